"""What a problem's help can put right by itself: the word that was meant, in place of the one that is there."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..problems import Problem

_MEANT = re.compile(r"did you mean `([^`]+)`\?")


class Suggestion(NamedTuple):
    """A change of one line: columns from 0, and the text that takes their place."""

    title: str
    line: int
    start: int
    end: int
    text: str


def suggestion(problem: Problem) -> Suggestion | None:
    """Return what a problem's help suggests to write where the problem stands; None where it suggests no word."""
    meant = _MEANT.search(problem.help)
    if meant is None or not problem.line:
        return None
    line, word = problem.text, meant[1]
    start = problem.column - 1
    wrong = re.search(r"`([^`]+)`", problem.message)
    here = line[start : start + problem.width]
    if wrong is not None and here != wrong[1]:  # the problem stands at more than the word that is wrong
        at = line.find(wrong[1].rpartition(".")[2], start)
        if at < 0:
            return None
        start, here = at, wrong[1].rpartition(".")[2]
        word = word.rpartition(".")[2] if "." in wrong[1] else word
    return Suggestion(f"write `{word}`", problem.line - 1, start, start + len(here), word)
