"""The command `mlxk-rules`: reads the words, calls a command, turns every error into one line and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from ..problems import PolicyError, UsageError
from ..report.terminal import Style, reflowed, safe, screen_for, style_for
from .exit_codes import BUG, INTERRUPTED, NO, UNUSABLE, YES
from .options import read_command, read_options
from .usage import COMMANDS, MAIN

_WHERE_TO = "let it lead to a terminal, a file or a pipe"
# What writing to a full or broken device fails with.
_OF_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)


def script() -> NoReturn:
    """Be the program `mlxk-rules`."""
    there_is_output = _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the terminal's encoding does not have is spelt out
            stream.reconfigure(errors="backslashreplace")
    if not there_is_output:
        sys.exit(_complain("output", "the standard output is closed", _WHERE_TO, style_for(sys.stderr)))
    code = main()
    gc.freeze()  # nor at the end, when all of it goes
    sys.exit(code)


def _stand_in_for_closed_streams() -> bool:
    """Put what goes nowhere in place of standard streams that are closed. Returns whether there is an output."""
    there_is_output = sys.stdout is not None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)  # it stays open
    return there_is_output


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line (sys.argv's if None). Returns the exit code: 0 yes, 1 no, 2 unusable input, 3 a bug."""
    words = sys.argv[1:] if words is None else words
    style = style_for(sys.stderr)
    try:
        return _run(words)
    except UsageError as error:
        return _complain(error.code, error.message, error.help, style)
    except PolicyError as error:
        from ..report.text import problem_report

        for problem in error.problems:
            print(problem_report(problem, style), file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe went away: nobody is left to tell
        _write_no_more()
        return NO
    except OSError as error:
        if error.errno not in _OF_OUTPUT or error.filename is not None:
            return _unexpected(error, words, style)
        _write_no_more()
        return _complain("output", f"cannot write the output: {error.strerror}", _WHERE_TO, style)
    except Exception as error:
        return _unexpected(error, words, style)


def _write_no_more() -> None:
    # The interpreter's own flush at the end must not fail either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: Sequence[str]) -> int:
    command = read_command(words)
    if command == "--help":
        print(reflowed(MAIN, screen_for(sys.stdout)), end="")
        return YES
    if command == "--version":
        from importlib.metadata import version

        print(f"mlxk-rules {version('mlxk-rules')}")
        return YES
    if any(word in ("-h", "--help") for word in words[1:]):
        print(reflowed(COMMANDS[command], screen_for(sys.stdout)), end="")
        return YES
    options = read_options(command, words[1:])
    code: int = import_module(f".commands.{command}", __package__).run(options)
    sys.stdout.flush()
    return code


def _complain(code: str, message: str, help: str, style: Style) -> int:
    advice = f"; {safe(help)}" if help else ""
    print(f"{style(f'error[{code}]', 'red', 'bold')}: {safe(message)}{advice}", file=sys.stderr)
    return UNUSABLE


def _unexpected(error: Exception, words: Sequence[str], style: Style) -> int:
    # loaders' errors are known by their class's name: only the commands import loaders, and late.
    if "LoaderError" in [kind.__name__ for kind in type(error).__mro__]:
        return _complain(
            getattr(error, "code", "loader"),
            getattr(error, "message", str(error)),
            getattr(error, "help", "") or "",
            style,
        )
    if "--debug" in words:
        raise error
    summary = safe(" ".join(f"{type(error).__name__}: {error}".split())[:300])
    help = "this is a bug: please report it with the output of the same command and --debug"
    print(f"{style('error[bug]', 'red', 'bold')}: {summary}; {help}", file=sys.stderr)
    return BUG
