"""The word at a place of a rule file: a dotted name, a gate's id, a function."""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_EXPRESSION_KEY = re.compile(r"^\s*(?:- )?(?:when|compute):|\{\{")


class Word(NamedTuple):
    """A word, and from where to where it stands in its line. Lines and columns count from 0, as editors count."""

    text: str
    line: int
    start: int
    end: int


def word_at(text: str, line: int, column: int) -> Word | None:
    """Return the word at a place, or that ends there."""
    lines = text.split("\n")
    if line >= len(lines):
        return None
    for found in _WORD.finditer(lines[line]):
        if found.start() <= column <= found.end():
            word = found[0].rstrip(".-")
            # Of a dotted name up to the part that is pointed at: `limits` of `limits.x` is the section.
            end = word.find(".", max(0, column - found.start()))
            word = word if end < 0 else word[:end]
            return Word(word, line, found.start(), found.start() + len(word))
    return None


def line_before(text: str, line: int, column: int) -> str:
    """Return what stands in the line before a place."""
    lines = text.split("\n")
    return lines[line][:column] if line < len(lines) else ""


def typed(text: str, line: int, column: int) -> Word:
    """Return the beginning of a word that stands before a place; an empty one where none is begun."""
    found = re.search(r"[A-Za-z_][\w.-]*$", line_before(text, line, column))
    begun = found[0] if found else ""
    return Word(begun, line, column - len(begun), column)


def in_expression(text: str, line: int, column: int) -> bool:
    """Whether a place is inside a condition, a computed value, or the braces of a message."""
    here = line_before(text, line, column)
    if here.rfind("{{") > here.rfind("}}") or _EXPRESSION_KEY.match(here):
        return True
    if re.match(r"^\s*(?:- )?[\w-]+:", here):
        return False
    indent = len(here) - len(here.lstrip())
    for above in reversed(text.split("\n")[max(0, line - 40) : line]):
        if above.strip() and len(above) - len(above.lstrip()) < indent:
            return bool(_EXPRESSION_KEY.match(above))
    return False
