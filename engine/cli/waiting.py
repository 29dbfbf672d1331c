"""A sign of life while something takes time: one line on a terminal, with the seconds so far, gone when it is done."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from ..report.terminal import safe, screen_for

_SECOND = 1.0


@contextmanager
def waiting(what: str) -> Generator[None]:
    """Show `what` on the standard error while the block runs, where that is a terminal."""
    stream = sys.stderr
    if not stream.isatty():
        yield
        return
    from threading import Event, Thread

    room = (screen_for(stream).width or 80) - 10
    text, done = safe(what)[:room], Event()

    def show() -> None:
        seconds = 0
        while True:
            told = f" {seconds} s" if seconds else ""
            stream.write(f"\r\x1b[K{text} ...{told}")
            stream.flush()
            if done.wait(_SECOND):
                return
            seconds += 1

    ticker = Thread(target=show, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()
        stream.write("\r\x1b[K")
        stream.flush()
