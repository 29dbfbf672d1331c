"""By how much a policy's version has to rise: patch, minor or major, from what it decides otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from ..policy import Policy
from .difference import Difference, direction
from .substance import substance

LEVELS = ("none", "patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class Bump:
    """level: none, patch, minor or major. least: the lowest version that is enough. enough: whether NEW's is.

    proved: whether all that the level rests on is; else more, or less, may have changed.
    """

    level: str
    least: str
    enough: bool
    proved: bool


@dataclass(frozen=True, slots=True)
class Unsolved:
    """What is known without a solver: the least that is needed. enough: None where it hangs on what is not known."""

    level: str
    least: str
    enough: bool | None


def bump(difference: Difference) -> Bump:
    """Return by how much the version of the new policy has to be above the old one's.

    major: something that was allowed is refused, warned of, or goes to another backend, or is warned of no more but
    refused. minor: something is decided otherwise, but nothing that was allowed. patch: all is decided alike, and the
    file says something else: messages, names, derived facts. Where more may have changed than is known, `enough` is
    false unless the first number rose, which is enough for anything.
    """
    old, new = difference.old, difference.new
    outcomes = difference.outcomes
    if any(before[0] != "block" and direction(before, after) != "more permissive" for before, after in outcomes):
        level = "major"
    elif outcomes:
        level = "minor"
    else:
        level = "patch" if substance(old.document) != substance(new.document) else "none"
    least = _least(old, level)
    sure = difference.complete or _numbers(new) >= _least(old, "major")
    return Bump(level, ".".join(map(str, least)), _numbers(new) >= least and sure, difference.exact)


def unsolved(old: Policy, new: Policy, changed: bool) -> Unsolved:
    """Return what can be said where no solver compares. changed: some facts are known to be decided otherwise.

    A first number that rose is enough for any change; a version below the least is enough for none.
    """
    level = "minor" if changed else "patch"
    least = _least(old, level)
    sure = _numbers(new) >= _least(old, "major")
    return Unsolved(level, ".".join(map(str, least)), True if sure else False if _numbers(new) < least else None)


def _least(old: Policy, level: str) -> tuple[int, ...]:
    major, minor, patch = _numbers(old)
    return {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
        "none": (major, minor, patch),
    }[level]


def _numbers(policy: Policy) -> tuple[int, ...]:
    return (*(int(part) for part in policy.version.split(".")), 0, 0, 0)[:3]
