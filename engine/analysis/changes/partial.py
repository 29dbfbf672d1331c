"""A policy with some of the edits that made it another: what one edit changes by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from ...policy import Policy
from ...problems import PolicyError
from ...rulefile.checked import check
from ...rulefile.document import Derivation, Document, Gate, Limit, StringSet
from .edits import Edit

Part = TypeVar("Part", Limit, Derivation)


def with_edits(old: Document, new: Document, done: Iterable[Edit]) -> Policy | None:
    """Return the old policy with these edits and no others; None where that is no policy that passes its checks."""
    document = old
    for edit in done:
        document = _applied(document, new, edit)
    try:
        return Policy(check(document))
    except PolicyError:
        return None


def _applied(document: Document, new: Document, edit: Edit) -> Document:
    if edit.kind.startswith(("types-", "entries-")):
        return replace(document, sets=_sets(document.sets, new.sets, edit))
    if edit.kind == "limit":
        return replace(document, limits=_named(document.limits, new.limits, edit.name))
    if edit.kind == "derived":
        return replace(document, derive=_named(document.derive, new.derive, edit.name))
    return replace(document, gates=_gates(document.gates, new.gates, edit)) if edit.decides else document


def _sets(sets: tuple[StringSet, ...], new: tuple[StringSet, ...], edit: Edit) -> tuple[StringSet, ...]:
    part = next((part for part in sets if part.name == edit.name), None)
    if part is None:
        return (*sets, next(part for part in new if part.name == edit.name))
    if edit.kind == "entries-reordered":
        here = dict(part.entries)
        order = [*edit.entries, *(word for word in part.add if word not in edit.entries)]
        changed = replace(part, add=tuple(order), places=tuple(here[word] for word in order))
        return tuple(changed if other.name == edit.name else other for other in sets)
    removed = edit.entries if edit.kind.endswith("removed") else ()
    kept = {word: place for word, place in part.entries if word not in removed}
    if edit.kind.endswith("added"):
        kept |= dict.fromkeys(edit.entries, edit.place)
    changed = replace(part, add=tuple(kept), places=tuple(kept.values()))
    return tuple(changed if other.name == edit.name else other for other in sets)


def _named(parts: tuple[Part, ...], new: tuple[Part, ...], name: str) -> tuple[Part, ...]:
    """Return the parts with one as it is in `new`; one that is new stands behind those that stand before it there."""
    names = [part.name for part in new]
    there = {part.name: part for part in parts if part.name != name}
    if name not in names:
        return tuple(there.values())
    part = new[names.index(name)]
    if any(other.name == name for other in parts):
        return tuple(part if other.name == name else other for other in parts)
    before = [other for other in names[: names.index(name)] if other in there]
    order = list(there)
    position = order.index(before[-1]) + 1 if before else 0
    order.insert(position, name)
    return tuple(part if other == name else there[other] for other in order)


def _gates(gates: tuple[Gate, ...], new: tuple[Gate, ...], edit: Edit) -> tuple[Gate, ...]:
    ours = {gate.id: gate for gate in new}
    if edit.kind == "gate-changed":
        return tuple(ours[gate.id] if gate.id == edit.name else gate for gate in gates)
    rest = [gate for gate in gates if gate.id != edit.name]
    if edit.kind == "gate-removed":
        return tuple(rest)
    order = [gate.id for gate in new]
    there = [gate.id for gate in rest]
    before = [id for id in order[: order.index(edit.name)] if id in there]
    here = next((gate for gate in gates if gate.id == edit.name), ours[edit.name])
    rest.insert(there.index(before[-1]) + 1 if before else 0, here)
    return tuple(rest)
