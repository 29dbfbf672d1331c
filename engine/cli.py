"""The command `mlxk-rules`: reads the words, calls a command, turns every error into one line and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from .errors import PolicyError, UsageError
from .terminal import Style, safe, style_for
from .usage import COMMANDS, MAIN, read_command, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

YES, NO, UNUSABLE, BUG = 0, 1, 2, 3
_INTERRUPTED = 130
# Commands that leave nothing behind which the interpreter's own ending would see to.
_LIGHT = ("explain", "list", "probe", "decide")


def script() -> NoReturn:
    """Be the program `mlxk-rules`: `main`, without what an answer of a tenth of a second need not pay for.

    The collector, which finds nothing while modules are imported, comes more seldom: 2 ms. After the light commands the
    process ends at once and takes nothing apart: 6 ms.
    """
    gc.set_threshold(20_000)
    code = main()
    if sys.argv[1:2] and sys.argv[1] in _LIGHT:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # nobody reads it any more
                pass
        os._exit(code)
    sys.exit(code)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line (sys.argv's if None). Returns the exit code: 0 yes, 1 no, 2 unusable input, 3 a bug."""
    words = sys.argv[1:] if words is None else words
    style = style_for(sys.stderr)
    try:
        return _run(words)
    except UsageError as error:
        return _complain(error.code, error.message, error.help, style)
    except PolicyError as error:
        from .render import problem_report

        for problem in error.problems:
            print(problem_report(problem, style), file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe went away: nobody is left to tell, and the interpreter's own flush must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO
    except Exception as error:
        return _unexpected(error, words, style)


def _run(words: Sequence[str]) -> int:
    command = read_command(words)
    if command == "--help":
        print(MAIN, end="")
        return YES
    if command == "--version":
        from importlib.metadata import version

        print(f"mlxk-rules {version('mlxk-rules')}")
        return YES
    if any(word in ("-h", "--help") for word in words[1:]):
        print(COMMANDS[command], end="")
        return YES
    options = read_options(command, words[1:])
    name = f"{__package__}.commands.{command}"
    __import__(name)  # as importlib's import_module does, whose own import costs a quarter of a millisecond
    code: int = sys.modules[name].run(options)
    sys.stdout.flush()
    return code


def _complain(code: str, message: str, help: str, style: Style) -> int:
    advice = f"; {safe(help)}" if help else ""
    print(f"{style(f'error[{code}]', 'red', 'bold')}: {safe(message)}{advice}", file=sys.stderr)
    return UNUSABLE


def _unexpected(error: Exception, words: Sequence[str], style: Style) -> int:
    # loaders' errors are known by their shape: only the commands import loaders, and late.
    if type(error).__name__ == "LoaderError":
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
