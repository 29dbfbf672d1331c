"""Puts a policy together from the one it extends and its own changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from .document import Derivation, Document, Gate, Limit, StringSet
from .errors import PolicyError, Problem, did_you_mean

Part = TypeVar("Part", Limit, Derivation)


def merge(base: Document, over: Document) -> Document:
    """Return `base` with the changes of `over`.

    A set is replaced, or added to and taken from; a limit or derived fact of the same name is replaced where it stands,
    a new one is put at the end; a gate of the same id is replaced where it stands, a new one placed before or after a
    named one. Raises PolicyError where a change names what the base does not have.
    """
    problems: list[Problem] = []
    merged = over.changed(
        extends=None,
        audit=over.audit or base.audit,
        sets=_sets(base, over, problems),
        limits=_by_name(base.limits, over.limits),
        derive=_by_name(base.derive, over.derive),
        gates=_gates(base.gates, over.gates, problems),
    )
    if problems:
        raise PolicyError(problems)
    return merged


def _by_name(base: tuple[Part, ...], over: tuple[Part, ...]) -> tuple[Part, ...]:
    merged = {part.name: part for part in base}
    merged.update({part.name: part for part in over})
    return tuple(merged.values())


def _sets(base: Document, over: Document, problems: list[Problem]) -> tuple[StringSet, ...]:
    merged = {part.name: part for part in base.sets}
    for change in over.sets:
        if change.whole:
            merged[change.name] = change
            continue
        before = merged.get(change.name)
        if before is None:
            help = did_you_mean(change.name, merged) or "give the new set as a list"
            problems.append(change.place.problem("unknown-set", f"no set `{change.name}` to change", help))
            continue
        for word in change.remove:
            if word not in before.add:
                help = did_you_mean(word, before.add) or "delete it from `remove`"
                problems.append(
                    change.place.problem("unknown-entry", f"`{word}` is not in the set `{change.name}`", help)
                )
        for word in change.add:
            if word in before.add:
                problems.append(
                    change.place.problem(
                        "duplicate-entry", f"`{word}` is in the set `{change.name}` already", "delete it from `add`"
                    )
                )
        kept = [word for word in before.add if word not in change.remove]
        added = [word for word in change.add if word not in kept]
        merged[change.name] = replace(before, add=(*kept, *added), place=change.place)
    return tuple(merged.values())


def _gates(base: tuple[Gate, ...], over: tuple[Gate, ...], problems: list[Problem]) -> tuple[Gate, ...]:
    merged = list(base)
    for gate in over:
        ids = [other.id for other in merged]
        if gate.remove or (gate.id in ids and gate.near is None):
            if gate.id not in ids:
                help = did_you_mean(gate.id, ids) or "delete this entry"
                problems.append(gate.place.problem("unknown-gate", f"no gate `{gate.id}` to remove", help))
                continue
            position = ids.index(gate.id)
            merged[position : position + 1] = [] if gate.remove else [gate]
            continue
        if gate.near is None:
            help = did_you_mean(gate.id, ids) or "say `before:` or `after:` which gate it stands"
            problems.append(gate.place.problem("no-place", f"the new gate `{gate.id}` has no place", help))
            continue
        side, neighbour = gate.near
        merged = [other for other in merged if other.id != gate.id]
        ids = [other.id for other in merged]
        if neighbour not in ids:
            help = did_you_mean(neighbour, ids) or "name a gate of the extended policy"
            problems.append(gate.place.problem("unknown-gate", f"no gate `{neighbour}` to stand {side}", help))
            continue
        merged.insert(ids.index(neighbour) + (side == "after"), replace(gate, near=None))
    return tuple(merged)
