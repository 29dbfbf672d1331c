"""Bounds how long a piece of work takes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

# One message goes through a template in milliseconds; one that loops would never end.
TEMPLATE_SECONDS = 5.0


class TooLong(BaseException):
    """Raised in the middle of what took too long. No Exception, so that nobody who catches those goes on."""


@contextmanager
def in_time(seconds: float) -> Generator[None, None, None]:
    """While open, at most so many seconds pass; then TooLong is raised. Only the main thread can be held to that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def template_in_time() -> Generator[None, None, None]:
    """While open, a chat template may work. Raises TimeoutError where it does not come to an end."""
    try:
        with in_time(TEMPLATE_SECONDS):
            yield
    except TooLong:
        raise TimeoutError(
            f"the chat template takes longer than {TEMPLATE_SECONDS:g} seconds for one message"
        ) from None
