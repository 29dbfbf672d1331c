"""By how much a policy's version has to rise: patch, minor or major, from what it decides otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ..document import Document, Located, Template
from .difference import Difference

LEVELS = ("none", "patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class Bump:
    """level: none, patch, minor or major. least: the lowest version that is enough. enough: whether NEW's is."""

    level: str
    least: str
    enough: bool


def bump(difference: Difference) -> Bump:
    """Return by how much the version of the new policy has to be above the old one's.

    major: something that was allowed is refused, warned of, or goes to another backend, or is warned of no more but
    refused. minor: something is decided otherwise, but nothing that was allowed. patch: all is decided alike, and the
    file says something else: messages, names, derived facts.
    """
    old, new = difference.old, difference.new
    if any(change.before[0] != "block" and change.direction != "more permissive" for change in difference.changes):
        level = "major"
    elif difference.changes:
        level = "minor"
    else:
        level = "patch" if substance(old.document) != substance(new.document) else "none"
    major, minor, patch, *_ = *_numbers(old.version), 0, 0, 0
    least = {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
        "none": (major, minor, patch),
    }[level]
    return Bump(level, ".".join(map(str, least)), (*_numbers(new.version), 0, 0, 0)[:3] >= least)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def substance(document: Document) -> str:
    """Return a short word for all that a policy says: the same for files that differ in comments and layout alone."""
    return sha256(repr(_said(document)).encode()).hexdigest()[:16]


def _said(document: Document) -> Any:
    derive = [
        (part.name, [(_text(b.when), b.value, _text(b.compute), b.why) for b in part.branches])
        for part in document.derive
    ]
    gates = [
        (gate.id, _text(gate.when), gate.decide, gate.backend, gate.error, gate.http, _message(gate.message))
        for gate in document.gates
    ]
    sets = [(part.name, sorted(part.add)) for part in document.sets]
    return document.name, sets, [(limit.name, limit.value) for limit in document.limits], derive, gates


def _text(located: Located | None) -> str | None:
    return None if located is None else " ".join(located.expression.text.split())


def _message(template: Template | None) -> list[str | None]:
    return [part if isinstance(part, str) else _text(part) for part in template.parts] if template else []
