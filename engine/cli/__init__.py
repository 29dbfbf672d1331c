"""The command line: the one place that prints, and the one that knows both the engine and the loaders.

Comes in: the words that a person typed. Goes out: text on standard output, an error line, an exit code. Read usage,
options, command_line, then commands/, a module each; answers/, hub/ and listing/ are what run, explain with pull, and
list are made of.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from .exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main", "script"]


def script() -> NoReturn:
    """Be the program `mlxk-rules`. While it begins and ends too, Ctrl-C ends it without a word."""
    # What is imported and decided with stays: looking for rubbish in it takes a tenth of an answer's time.
    gc.set_threshold(100_000)
    try:
        from .command_line import script

        script()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line, sys.argv's if None. Returns the exit code."""
    from .command_line import main

    return main(words)
