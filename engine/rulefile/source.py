"""A rule file's text, read within bounds, and the places in it that problems name."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ..problems import PolicyError, Problem

MAX_BYTES = 16 * 1024 * 1024
# How a rule file or a case file begins one of its lines.
_OURS = re.compile(rb"^[\"']?(schema|gates|extends|sets|limits|derive|cases|policy)[\"']?[ \t]*:", re.MULTILINE)
_MAX_LINE = 4_000  # characters of a line that a problem shows: those of the longest expression


@dataclass(frozen=True)
class Source:
    """A rule file: its name as the user wrote it, and its text."""

    name: str
    text: str
    path: Path | None = None
    data: bytes = field(default=b"", repr=False)  # what stands in the file

    def problem(self, code: str, message: str, help: str, index: int, width: int = 1) -> Problem:
        """Return a Problem at the character `index` of the text."""
        index = max(0, min(index, len(self.text)))
        number = self.line_of(index)
        begin = self._line_starts[number - 1]
        end = self.text.find("\n", index)
        line = self.text[begin : end if end >= 0 else len(self.text)]
        column = index - begin + 1
        width = max(1, min(width, len(line) - column + 1))
        shown = line.rstrip("\r")[:_MAX_LINE] if column <= _MAX_LINE else ""  # never without what the caret is below
        return Problem(code, message, help, self.name, number, column, shown, width)

    def line_of(self, index: int) -> int:
        """Return the number of the line, from 1, that the character `index` of the text stands in."""
        return bisect_right(self._line_starts, index)

    @cached_property
    def _line_starts(self) -> list[int]:
        # Once for all places: counting from the text's begin for each would be quadratic.
        return [0, *(found.end() for found in re.finditer("\n", self.text))]


def read(path: Path, name: str = "", named_by_file: bool = False) -> Source:
    """Read a rule file, at most MAX_BYTES of UTF-8.

    named_by_file: another file names it, not the person. Raises PolicyError where it is missing, no file, too large,
    not UTF-8, or leads to what is no rule file.
    """
    name = name or str(path)
    try:
        if not path.is_file():
            missing = not path.exists()
            message = f"no rule file `{name}`" if missing else f"`{name}` is not a file"
            raise PolicyError([Problem("no-file", message, "name a YAML file, or a shipped version such as 2.0.4")])
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PolicyError([Problem("unreadable-file", f"cannot read `{name}`: {reason}", "check the path")]) from None
    if (named_by_file or _leads_elsewhere(path)) and not _OURS.search(data):
        # A message quotes the file. A rule file of others may lead to one that is nobody's business: /etc/shadow.
        message = f"`{name}` leads to a file that is no rule file, so nothing of it is shown"
        raise PolicyError([Problem("no-file", message, "name the rule file itself")])
    return replace(decode(data, name), path=path.absolute(), data=data)


def _leads_elsewhere(path: Path) -> bool:
    """Whether a path goes up, or through a link that lies below the folder where it begins."""
    steps = [path, *path.parents] if not path.is_absolute() else [path]
    return ".." in path.parts or any(step.is_symlink() for step in steps)


def decode(data: bytes, name: str) -> Source:
    """Return a Source of bytes. Raises PolicyError where they are too many, or not UTF-8."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024**2} MiB"
        raise PolicyError([Problem("file-too-large", message, "split it with `extends`", name)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise PolicyError(
            [Problem("not-utf-8", "the file is not UTF-8", "save it as UTF-8", name, line, column)]
        ) from None
    return source_of(text, name)


def source_of(text: str, name: str) -> Source:
    """Return a Source of text, its line ends made one character, as places count them.

    Raises PolicyError where the text is no Unicode (a lone surrogate).
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"the character U+{ord(text[error.start]):04X} is not allowed in YAML"
        raise PolicyError([Source(name, text).problem("yaml-syntax", message, "delete it", error.start)]) from None
    return Source(name, text)
