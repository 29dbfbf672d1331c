"""What an author did, from one policy document to another: each edit once, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, TypeVar

from ...language.expression import Node
from ...language.fact_paths import path_of, paths_in
from ...rulefile.document import Derivation, Document, Gate, Limit, Place, StringSet
from ..substance import branch_text, gate_text, words_of

_NAMED = 5  # words of a set that are told by name
Part = TypeVar("Part", StringSet, Limit, Derivation)


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that was done.

    kind: a word of KINDS. name: of the set, limit, derived fact or gate. entries: the words that came into a set or
    went out of it. said: one sentence about it. place: where it stands, in the new file, or in the old one where
    nothing is left of it.
    """

    kind: str
    name: str
    said: str
    place: Place
    entries: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether it can change a decision: words and names alone cannot."""
        return self.kind not in ("words", "gate-renamed")


KINDS = {  # and how one is called, and several
    "types-added": ("model type added", "model types added"),
    "types-removed": ("model type removed", "model types removed"),
    "entries-added": ("other word added", "other words added"),
    "entries-removed": ("other word removed", "other words removed"),
    "entries-reordered": ("set in another order", "sets in another order"),
    "limit": ("limit moved", "limits moved"),
    "derived": ("derived fact changed", "derived facts changed"),
    "gate-added": ("gate added", "gates added"),
    "gate-removed": ("gate removed", "gates removed"),
    "gate-changed": ("gate changed", "gates changed"),
    "gate-moved": ("gate moved", "gates moved"),
    "gate-renamed": ("gate renamed", "gates renamed"),
    "words": ("change of words", "changes of words"),
}


def edits(old: Document, new: Document) -> tuple[Edit, ...]:
    """Return what was done to `old`, so that it became `new`; nothing where only comments and layout differ."""
    return (*_sets(old, new), *_limits(old, new), *_derived(old, new), *_gates(old, new), *_words(old, new))


def holds_model_types(document: Document, name: str) -> bool:
    """Whether a set holds model types: it is audited, or the model's type is looked up in it."""
    if document.audit is not None and any(audited == name for audited, _, _ in document.audit.sets):
        return True
    return any("model.type" in paths or "derived.type" in paths for paths in looked_up_in(document, name))


def looked_up_in(document: Document, name: str) -> Iterator[frozenset[str]]:
    """Yield which facts are looked up in a set, for each place where something is."""
    for located in document.expressions:
        yield from (frozenset(paths_in(key)) for key in _keys(located.expression.node, f"sets.{name}"))


def _keys(node: Node, path: str) -> Iterator[Node]:
    children = [child for child in node.get("children", ()) if isinstance(child, dict)]
    if node["type"] == "function_expression" and any(path_of(child) == path for child in children):
        yield from (child for child in children if path_of(child) != path)
    for child in children:
        yield from _keys(child, path)


def _paired(old: Iterable[Part], new: Iterable[Part]) -> Iterator[tuple[str, Part | None, Part | None]]:
    """Yield each name with the part that had it and the part that has it now, None where there is none."""
    before, after = ({part.name: part for part in parts} for parts in (old, new))
    yield from ((name, before.get(name), after.get(name)) for name in before | after)


def _sets(old: Document, new: Document) -> Iterator[Edit]:
    for name, one, other in _paired(old.sets, new.sets):
        there, here = (part.add if part is not None else () for part in (one, other))
        if there == here:
            continue  # what it is looked up by, in the whole policy, is asked only of a set that differs
        held = set(there), set(here)
        kind = "types" if holds_model_types(old, name) or holds_model_types(new, name) else "entries"
        if added := tuple(word for word in here if word not in held[0]):
            assert other is not None
            how = f"adds {_listed(added)} to `{name}`" if one is not None else f"adds the set `{name}`"
            yield Edit(f"{kind}-added", name, how, _place(other, added[0]), added)
        if removed := tuple(word for word in there if word not in held[1]):
            assert one is not None
            how = f"takes {_listed(removed)} out of `{name}`" if other is not None else f"removes the set `{name}`"
            yield Edit(f"{kind}-removed", name, how, _place(one, removed[0]), removed)
        kept = [word for word in here if word in held[0]]
        if kept != [word for word in there if word in held[1]]:
            assert other is not None
            yield Edit("entries-reordered", name, f"reorders `{name}`", other.place, tuple(kept))


def _place(part: StringSet, word: str) -> Place:
    return dict(part.entries)[word]


def _listed(words: Sequence[str]) -> str:
    if len(words) > _NAMED + 1:
        shown = [f"`{word}`" for word in words[:_NAMED]]
        return f"{', '.join(shown)} and {len(words) - _NAMED} more"
    return _and([f"`{word}`" for word in words])


def _limits(old: Document, new: Document) -> Iterator[Edit]:
    for name, one, other in _paired(old.limits, new.limits):
        if one is not None and other is not None:
            if one.value != other.value or type(one.value) is not type(other.value):
                how = "raises" if other.value > one.value else "lowers"
                yield Edit("limit", name, f"{how} `{name}` from {one.value} to {other.value}", other.place)
        elif other is not None:
            yield Edit("limit", name, f"adds the limit `{name}`, {other.value}", other.place)
        elif one is not None:
            yield Edit("limit", name, f"removes the limit `{name}`, {one.value}", one.place)


def _derived(old: Document, new: Document) -> Iterator[Edit]:
    for name, one, other in _paired(old.derive, new.derive):
        if one is not None and other is not None:
            if _branches(one) != _branches(other):
                yield Edit("derived", name, f"changes the derived fact `{name}`", _changed_at(one, other))
        elif other is not None:
            yield Edit("derived", name, f"adds the derived fact `{name}`", other.place)
        elif one is not None:
            yield Edit("derived", name, f"removes the derived fact `{name}`", one.place)


def _branches(part: Derivation) -> list[Any]:
    return [branch_text(branch) for branch in part.branches]


def _changed_at(one: Derivation, other: Derivation) -> Place:
    known = _branches(one)
    changed = [branch.place for branch in other.branches if branch_text(branch) not in known]
    return changed[0] if len(other.branches) > 1 and changed else other.place


def _gates(old: Document, new: Document) -> Iterator[Edit]:
    before = {gate.id: gate for gate in old.gates}
    after = {gate.id: gate for gate in new.gates}
    renamed = dict(_renamed(old.gates, new.gates))
    for id, gate in before.items():
        if id in renamed:
            place = after[renamed[id]].place
            yield Edit("gate-renamed", renamed[id], f"renames the gate `{id}` to `{renamed[id]}`", place)
        elif id not in after and (watched := _observed(new).get(id)) is not None:
            said = f"only observes the gate `{id}`, which decided {gate.decide}"
            yield Edit("gate-removed", id, said, watched.place)
        elif id not in after:
            yield Edit("gate-removed", id, f"removes the gate `{id}`, which decides {gate.decide}", gate.place)
    for id, gate in after.items():
        one = before.get(id)
        if one is None and id not in renamed.values():
            how = "no more only observes" if id in _observed(old) else "adds"
            yield Edit("gate-added", id, f"{how} the gate `{id}`, which decides {gate.decide}", gate.place)
        elif one is not None:
            yield from _gate(one, gate)
    yield from _moved(old, new)
    for id, gate in _observed(new).items():
        if id not in before and id not in _observed(old):
            yield Edit("words", id, f"adds the gate `{id}`, which is only observed", gate.place)


def _observed(document: Document) -> dict[str, Gate]:
    return {one.gate.id: one.gate for one in document.observed}


def _gate(one: Gate, other: Gate) -> Iterator[Edit]:
    said, says = gate_text(one), gate_text(other)
    if what := tuple(key for key in {**said, **says} if said.get(key) != says.get(key)):
        values = [
            f"`{key}` ({_short(said.get(key))} -> {_short(says.get(key))})" if key != "when" else f"`{key}`"
            for key in what
        ]
        when = other.when
        where = other.place
        if what == ("when",) and when is not None:
            where = Place(when.source, when.node.start, when.node.end)
        yield Edit("gate-changed", other.id, f"changes {', '.join(values)} of the gate `{other.id}`", where)


def _short(value: Any) -> str:
    return "none" if value is None else str(value)[:40]


def _renamed(old: Iterable[Gate], new: Iterable[Gate]) -> Iterator[tuple[str, str]]:
    """Yield the old and new ids of gates that say the same under another name."""
    theirs, ours = {gate.id for gate in old}, {gate.id for gate in new}
    gone = [gate for gate in old if gate.id not in ours]
    come = [gate for gate in new if gate.id not in theirs]
    for gate in gone:
        alike = next((other for other in come if gate_text(other) == gate_text(gate)), None)
        if alike is not None:
            come.remove(alike)
            yield gate.id, alike.id


def _moved(old: Document, new: Document) -> Iterator[Edit]:
    before = [gate.id for gate in old.gates]
    after = [gate.id for gate in new.gates]
    both = set(before) & set(after)
    theirs, ours = [id for id in before if id in both], [id for id in after if id in both]
    stayed = {
        id
        for block in SequenceMatcher(None, theirs, ours, autojunk=False).get_matching_blocks()
        for id in ours[block.b : block.b + block.size]
    }
    gates = {gate.id: gate for gate in new.gates}
    for id in ours:
        if id not in stayed:
            position = after.index(id)
            where = f"after `{after[position - 1]}`" if position else "before all others"
            yield Edit("gate-moved", id, f"moves the gate `{id}` {where}", gates[id].place)


def _words(old: Document, new: Document) -> Iterator[Edit]:
    before, after = words_of(old), words_of(new)
    told = {f"gate `{id}`" for id in _observed(old).keys() ^ _observed(new).keys()}
    changed = [name for name in after if name in before and before[name] != after[name] and name not in told]
    places = {f"gate `{gate.id}`": gate.place for gate in new.gates}
    places |= {f"derived fact `{part.name}`": part.place for part in new.derive}
    if changed:
        count = f"{len(changed)} gates and derived facts" if len(changed) > 3 else _and(changed)
        yield Edit("words", "", f"changes the words of the {count}", places.get(changed[0], new.place))


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
