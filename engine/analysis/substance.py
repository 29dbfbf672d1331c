"""What a policy says, whatever its file looks like; and what two policies' texts alone tell of their difference."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ..rulefile.document import Document, Located, Template


def substance(document: Document) -> str:
    """Return a short word for all that a policy says: the same for files that differ in comments and layout alone."""
    sets = [(part.name, sorted(part.add)) for part in document.sets]
    return sha256(repr((document.name, sets, *_said(document, _unwrapped))).encode()).hexdigest()[:16]


def alike(old: Document, new: Document) -> bool:
    """Return whether two policies decide the same because they say the same, word for word: no solver is needed."""
    one, other = ([(part.name, part.add) for part in document.sets] for document in (old, new))
    return one == other and _said(old, _exact) == _said(new, _exact)


_Say = Callable[[str], str]


def _said(document: Document, say: _Say) -> tuple[Any, ...]:
    def text(located: Located | None) -> str | None:
        return None if located is None else say(located.expression.text)

    def message(template: Template | None) -> list[str | None]:
        return [part if isinstance(part, str) else text(part) for part in template.parts] if template else []

    derive = [
        (part.name, [(text(b.when), b.value, text(b.compute), b.why) for b in part.branches])
        for part in document.derive
    ]
    gates = [
        (gate.id, text(gate.when), gate.decide, gate.backend, gate.error, gate.http, message(gate.message))
        for gate in document.gates
    ]
    return [(limit.name, limit.value) for limit in document.limits], derive, gates


def _unwrapped(text: str) -> str:
    return " ".join(text.split())


def _exact(text: str) -> str:
    return text  # white space inside quotes decides
