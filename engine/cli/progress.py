"""What is being done, on a terminal, while it takes longer than a moment."""

from __future__ import annotations

import sys
import time

_SECONDS = 1.0  # so long nothing is said


class Progress:
    """Says in a line of standard error what is being done, and wipes it at the end; nothing in a pipe or file."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._shown = 0
        self._on = sys.stderr.isatty()

    def __call__(self, what: str) -> None:
        seconds = time.monotonic() - self._begun
        if self._on and seconds >= _SECONDS:
            line = f"{what} ({seconds:.0f} s)"[:78]
            print(f"\r{line.ljust(self._shown)}", end="", file=sys.stderr, flush=True)
            self._shown = len(line)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print(f"\r{' ' * self._shown}\r", end="", file=sys.stderr, flush=True)
            self._shown = 0
