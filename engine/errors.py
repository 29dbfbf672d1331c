"""Problems as data, and the exception that carries them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a rule file, and where.

    code: a stable word such as `unknown-fact`. message: lower-case, user input in backticks. help: what to do, or "".
    file: as the user named it. line, column: from 1; 0 where there is none. text: the source line, or "".
    width: how many characters the caret underlines.
    """

    code: str
    message: str
    help: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""
    width: int = 1

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        tail = f"; {self.help}" if self.help else ""
        return f"{head}{self.message} [{self.code}]{tail}"

    def at(self, file: str, line: int, column: int, text: str = "", width: int = 1) -> Problem:
        """Return the same problem at another place."""
        return replace(self, file=file, line=line, column=column, text=text, width=width)


class PolicyError(Exception):
    """A policy does not load. `problems` has every problem found, in the file's order; never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(Exception):
    """A word of the caller's is wrong: `code`, `message`, `help`, as in a Problem."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def did_you_mean(word: str, known: Iterable[str], *, quote: str = "`") -> str:
    """Return `did you mean ...?` for the nearest known word, or ""."""
    known = sorted(set(known))
    folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower()[:200], folded, n=1, cutoff=0.6)
    return f"did you mean {quote}{folded[close[0]]}{quote}?" if close else ""
