"""A talk with a model on a terminal: what is typed, line by line, and its answers, until /exit or Ctrl-D."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from ...report.terminal import safe, style_for
from .answering import Answering

if TYPE_CHECKING:
    from ....loaders import Message

_HELP = """/clear  forget what was said
/help   show this
/exit   end (Ctrl-D too)
Ctrl-C stops an answer, and the talk goes on. A line that ends with a backslash goes on in the next."""
_PROMPT = "> "


def talk(answering: Answering) -> None:
    """Read lines and answer them until the end. Raises LoaderError where the model, or an answer, fails."""
    from ....loaders import LoaderError, Message, Remembered

    with suppress(ImportError):  # arrow keys and history, where Python has them
        import_module("readline")
    style = style_for(sys.stderr)
    name = answering.facts["model"]["name"]
    print(style(safe(f"{name}, by {answering.backend}. /help tells more, /exit ends."), "dim"), file=sys.stderr)
    before: tuple[Message, ...] = ()
    remembered = Remembered()
    while (line := _line()) is not None:
        word = line.strip().lower()
        if word in ("/exit", "/quit", "/bye"):
            return
        if word in ("/help", "/?"):
            print(_HELP, file=sys.stderr)
        elif word == "/clear":
            before, remembered = (), Remembered()
            print("forgotten", file=sys.stderr)
        elif word.startswith("/") and " " not in word and "/" not in word[1:]:
            print(f"no such word: {safe(word)}; /help shows those that there are", file=sys.stderr)
        elif word:
            # The images of the command line came with the first thing said.
            said = Message("user", line, 0 if before else len(answering.options.images))
            try:
                answering.answer(line, before, remembered)
            except KeyboardInterrupt:
                print(style("stopped", "dim"), file=sys.stderr)
            except LoaderError as error:
                if error.code != "context_full" or not before:
                    raise
                print(safe(f"{error.message}: /clear begins anew"), file=sys.stderr)
                continue
            before = (*before, said, Message("assistant", answering.so_far))


def _line() -> str | None:
    """The next thing typed, of one line or several; None at the end. Ctrl-C drops what was typed."""
    lines: list[str] = []
    while True:
        try:
            text = input(_PROMPT if not lines else "  ")
        except EOFError:
            print(file=sys.stderr)
            return None
        except KeyboardInterrupt:
            print(file=sys.stderr)
            lines = []
            continue
        lines.append(text.removesuffix("\\"))
        if not text.endswith("\\"):
            return "\n".join(lines)
