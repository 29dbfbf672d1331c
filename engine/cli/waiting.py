"""A sign of life while something takes time: one line on a terminal, with the seconds so far, gone when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ..report.terminal import safe, screen_for

_SECOND = 1.0


@contextmanager
def waiting(what: str) -> Generator[Callable[[str], None]]:
    """Show `what` on the standard error while the block runs, where that is a terminal.

    The block gets a function that shows something else from then on.
    """
    stream = sys.stderr
    if not stream.isatty():
        yield lambda _: None
        return
    from threading import Event, Thread

    room = (screen_for(stream).width or 80) - 10
    doing, done = [what], Event()

    def show() -> None:
        seconds = 0
        while True:
            told = f" {seconds} s" if seconds else ""
            stream.write(f"\r\x1b[K{safe(doing[-1])[:room]} ...{told}")
            stream.flush()
            if done.wait(_SECOND):
                return
            seconds += 1

    ticker = Thread(target=show, daemon=True)
    ticker.start()
    try:
        yield doing.append
    finally:
        done.set()
        ticker.join()
        stream.write("\r\x1b[K")
        stream.flush()
