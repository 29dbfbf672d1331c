"""What a policy says, whatever its file looks like; and what two policies' texts alone tell of their difference."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ..rulefile.document import Branch, Document, Gate, Located, Template


def substance(document: Document) -> str:
    """Return a short word for all that a policy says: the same for files that differ in comments and layout alone."""
    sets = [(part.name, sorted(part.add)) for part in document.sets]
    return sha256(repr((document.name, sets, *_said(document))).encode()).hexdigest()[:16]


def alike(old: Document, new: Document) -> bool:
    """Return whether two policies decide the same because their rules are the same, word for word: no solver is needed.

    Messages and other words for people decide nothing.
    """
    return _rules(old) == _rules(new)


def _rules(document: Document) -> Any:
    sets = [(part.name, part.add) for part in document.sets]
    limits = [(limit.name, limit.value, type(limit.value)) for limit in document.limits]
    derive = [(part.name, [branch_text(branch) for branch in part.branches]) for part in document.derive]
    return sets, limits, derive, [(gate.id, gate_text(gate)) for gate in document.gates]


def gate_text(gate: Gate) -> dict[str, Any]:
    """Return what of a gate decides, by its keys."""
    said = {"when": _text(gate.when), "decide": gate.decide, "backend": gate.backend}
    observe = {"mode": "observe"} if gate.observe else {}
    return {**said, "error": gate.error, "http": gate.http, **observe}


def branch_text(branch: Branch) -> tuple[Any, ...]:
    """Return what of a derived fact's branch decides. 1, 1.0 and true are not the same."""
    return _text(branch.when), repr(branch.value), _text(branch.compute)


def words_of(document: Document) -> dict[str, Any]:
    """Return the words for people that gates and derived facts have, by what has them."""
    gates = {f"gate `{gate.id}`": [_message(gate.message), gate.about] for gate in document.gates}
    gates |= {f"gate `{one.gate.id}`": [gate_text(one.gate), one.gate.about] for one in document.observed}
    return gates | {f"derived fact `{part.name}`": [branch.why for branch in part.branches] for part in document.derive}


_Say = Callable[[str], str]


def _text(located: Located | None, say: _Say = str) -> str | None:
    return None if located is None else say(located.expression.text)  # white space inside quotes decides


def _message(template: Template | None, say: _Say = str) -> list[str | None]:
    return [part if isinstance(part, str) else _text(part, say) for part in template.parts] if template else []


def _said(document: Document) -> tuple[Any, ...]:
    derive = [
        (part.name, [(_text(b.when, _unwrapped), b.value, _text(b.compute, _unwrapped), b.why) for b in part.branches])
        for part in document.derive
    ]
    gates = [
        (g.id, _text(g.when, _unwrapped), g.decide, g.backend, g.error, g.http, _message(g.message, _unwrapped))
        for g in document.gates
    ]
    more = [(g.id, g.about) for g in document.gates if g.about]
    more += [(one.gate.id, repr(gate_text(one.gate)), one.gate.about) for one in document.observed]
    said = [(limit.name, limit.value) for limit in document.limits], derive, gates
    return (*said, more) if more else said


def _unwrapped(text: str) -> str:
    return " ".join(text.split())
