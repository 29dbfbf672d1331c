"""Problems as data, and the exception that carries them."""

import os
from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong with a rule file, and where.

    code: a stable word such as `unknown-fact`. message: lower-case, user input in backticks. help: what to do, or "".
    file: as the user named it. line, column: from 1; 0 where there is none. text: the source line, or "".
    width: how many characters the caret underlines. level: error, warning or note.
    """

    code: str
    message: str
    help: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""
    width: int = 1
    level: str = "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        tail = f"; {self.help}" if self.help else ""
        return f"{head}{self.message} [{self.code}]{tail}"

    def named_by(self, what: str) -> "Problem":
        """Return the same problem of a file that `what` names, and no word of the command line."""
        return self._replace(message=f"{self.message}, which {what} names", help=f"correct or remove {what}")

    def at(self, file: str, line: int, column: int, text: str = "", width: int = 1) -> "Problem":
        """Return the same problem at another place."""
        return self._replace(file=file, line=line, column=column, text=text, width=width)


MAX_PROBLEMS = 200  # of one file: a person mends some and asks again, and a hostile file must not keep us busy


class PolicyError(Exception):
    """A policy does not load. `problems` has every problem found, in the file's order; never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.code == "too-many-problems", p.file, p.line, p.column)))
        super().__init__("\n".join(map(str, self.problems)))


class Problems(list[Problem]):
    """Problems as they are found. Raises PolicyError, with them all, where they become more than MAX_PROBLEMS."""

    def append(self, problem: Problem) -> None:
        super().append(problem)
        if len(self) >= MAX_PROBLEMS:
            message = f"there are more than {MAX_PROBLEMS} problems, and these are the first"
            more = Problem("too-many-problems", message, "mend these, and validate again", problem.file)
            raise PolicyError([*self, more])

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.append(problem)


class UsageError(Exception):
    """A word of the caller's is wrong: `code`, `message`, `help`, as in a Problem."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


_MOST_KNOWN = 2_000  # names compared with a wrong word: each comparison takes its time


def near(path: str) -> str:
    """Return a path as a person in the working folder would write it."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:
        return path
    return path[len(here) :] if len(here) > 1 and path.startswith(here) else path


def did_you_mean(word: str, known: Iterable[str], *, quote: str = "`") -> str:
    """Return `did you mean ...?` for the nearest known word, or ""."""
    meant = nearest(word, known)
    return "" if meant is None else f"did you mean {quote}{meant}{quote}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like another, None where none is like it."""
    from difflib import get_close_matches  # only who is wrong pays for it

    known = sorted(set(known))[:_MOST_KNOWN]
    folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower()[:200], folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
