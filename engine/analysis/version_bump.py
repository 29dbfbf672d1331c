"""By how much a policy's version has to rise, by what was done to it: one table, for `diff` and for `audit --fix`."""

from __future__ import annotations

from typing import NamedTuple

from ..policy import Policy
from .changes.edits import edits
from .changes.partial import with_edits
from .changes.survey import Survey
from .difference import Difference, Evidence, direction, outcome
from .substance import substance

# What asks for which rise, the most first; `audit --fix`, which adds and removes model types, reads the same.
RULES = {
    "refused": ("major", "what was allowed is refused, warned of, or loaded by another backend"),
    "types": ("minor", "a model type was added or removed"),
    "decided": ("minor", "something is decided otherwise"),
    "words": ("patch", "words, names or what is only shown"),
    "nothing": ("none", "the rules are the same"),
}


class Bump(NamedTuple):
    """level: none, patch, minor or major. least: the lowest version that is enough. enough: whether NEW's is.

    rule: the entry of RULES that asks for it. sure: whether nothing can ask for more; else the level is the least that
    is known to be needed.
    """

    level: str
    least: str
    enough: bool
    rule: str
    sure: bool

    @property
    def why(self) -> str:
        return RULES[self.rule][1]


def bump(found: Survey | Difference) -> Bump:
    """Return by how much the version of the new policy has to be above the old one's."""
    old, new = found.old, found.new
    done = edits(old.document, new.document)
    types = [edit for edit in done if edit.kind.startswith("types-")]
    # What follows from the model types alone asks for no more than they do.
    others = [edit for edit in done if edit.decides and edit not in types]
    with_types = with_edits(old.document, new.document, types) if types and others else None
    if not others and types:
        rule = "types"
    elif any(_refuses(one, with_types) for one in found.evidence):
        rule = "refused"
    elif types:
        rule = "types"
    elif found.evidence:
        rule = "decided"
    else:
        rule = "words" if substance(old.document) != substance(new.document) else "nothing"
    level = RULES[rule][0]
    least = raised(old.version, level)
    sure = level == "major" or not others or found.exact
    return Bump(level, least, _numbers(new.version) >= _numbers(least), rule, sure)


def raised(version: str, level: str) -> str:
    """Return the lowest version that is above another by a level."""
    major, minor, patch = _numbers(version)
    numbers = {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
        "none": (major, minor, patch),
    }[level]
    return ".".join(map(str, numbers))


def enough_for_any(old: Policy, new: Policy) -> bool:
    """Whether a version rose so far that it is enough for whatever changed."""
    return _numbers(new.version) >= _numbers(raised(old.version, "major"))


def _refuses(one: Evidence, with_types: Policy | None) -> bool:
    before, after, facts = one
    if with_types is not None:
        before = outcome(with_types.decide(facts))
    return before[0] != "block" and (direction(before, after) == "less permissive" or before[1] != after[1])


def _numbers(version: str) -> tuple[int, ...]:
    return (*(int(part) for part in version.split(".")), 0, 0, 0)[:3]
