"""A policy's parts as they were written, each with the file and line it is from, and what was taken out on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...facts.wording import json_text
from ...rulefile.document import Branch, Derivation, Document, Gate, Limit, Place, StringSet, Template


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the rule files that a policy is put together from."""

    name: str
    version: str
    file: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A part of a policy that is extended, taken out again. place: where it stood; by: the file that took it out."""

    what: str
    place: Place
    by: str


@dataclass(frozen=True, slots=True)
class Outline:
    """A merged policy. layers: its own file first, the one that extends nothing last.

    replaced: for a part's kind and name, where the part stood that it replaces.
    """

    document: Document
    layers: tuple[Layer, ...]
    replaced: dict[tuple[str, str], Place]
    removed: tuple[Removed, ...]

    def where(self, kind: str, name: str, place: Place) -> str:
        """Return where a part stands, in words, and where the one stood that it replaces."""
        before = self.replaced.get((kind, name))
        return f"{place}, replaces {before}" if before is not None else str(place)


def outline(document: Document) -> Outline:
    """Return the outline of a document that was put together from its layers, or stands alone."""
    layers = [document]
    while layers[-1].base is not None:
        layers.append(layers[-1].base)
    replaced: dict[tuple[str, str], Place] = {}
    removed: list[Removed] = []
    for over, base in pairwise(layers):
        mine = dict(_named(over))
        for key, place in _named(base):
            if key not in mine:
                removed.append(Removed(" ".join(key), place, over.place.source.name))
            elif mine[key] != place and dict(_named(document)).get(key) == mine[key]:
                replaced.setdefault(key, place)
        sets = {part.name: part for part in over.sets}
        for part in base.sets:
            gone = [(word, place) for word, place in part.entries if word not in sets[part.name].add]
            removed += [Removed(f"entry {word} of {part.name}", place, over.place.source.name) for word, place in gone]
    return Outline(document, tuple(map(_layer, layers)), replaced, tuple(removed))


def plain(view: Outline) -> dict[str, Any]:
    """Return an outline as plain JSON data."""
    document = view.document

    def part(kind: str, name: str, place: Place) -> dict[str, Any]:
        before = view.replaced.get((kind, name))
        return {**at(place), **({"replaces": at(before)} if before is not None else {})}

    return {
        "name": document.name,
        "version": document.version,
        "files": [{"file": layer.file, "name": layer.name, "version": layer.version} for layer in view.layers],
        "sets": [
            {
                "name": each.name,
                **part("set", each.name, each.place),
                "entries": [{"value": word, **at(place)} for word, place in each.entries],
            }
            for each in document.sets
        ],
        "limits": [
            {"name": each.name, "value": each.value, **part("limit", each.name, each.place)} for each in document.limits
        ],
        "derive": [
            {
                "name": each.name,
                **part("derived fact", each.name, each.place),
                "branches": [{**branch_keys(branch), **at(branch.place)} for branch in each.branches],
            }
            for each in document.derive
        ],
        "gates": [{**gate_keys(gate), **part("gate", gate.id, gate.place)} for gate in document.all_gates],
        "removed": [{"part": each.what, **at(each.place), "by": each.by} for each in view.removed],
    }


def at(place: Place) -> dict[str, Any]:
    """Return a place as plain data."""
    return {"file": place.source.name, "line": place.line}


def gate_keys(gate: Gate) -> dict[str, Any]:
    """Return a gate as a rule file writes it."""
    keys: dict[str, Any] = {"id": gate.id}
    if gate.when is not None:  # that of a gate with a last day asks for the day too, which is written under `until`
        keys["when"] = gate.when.node.value if gate.until else gate.when.expression.text
    else:
        keys["otherwise"] = True
    keys["decide"] = gate.decide
    if gate.decide != "block":
        keys["backend"] = gate.backend
    found = {"error": gate.error, "http": gate.http, "message": message_text(gate.message)}
    found |= {**dict(gate.about), "until": gate.until, "mode": "observe" if gate.observe else None}
    return keys | {key: value for key, value in found.items() if value is not None}


def branch_keys(branch: Branch) -> dict[str, Any]:
    """Return a branch of a derived fact as a rule file writes it; one alone has `compute` and no `when`."""
    keys: dict[str, Any] = {}
    if branch.when is not None:
        keys["when"] = branch.when.expression.text
    if branch.compute is not None:
        keys["compute"] = branch.compute.expression.text
    else:
        keys["value" if branch.when is not None else "otherwise"] = branch.value
    return keys | ({"why": branch.why} if branch.why else {})


def message_text(message: Template | None) -> str | None:
    """Return a message as it was written."""
    if message is None:
        return None
    return "".join(part if isinstance(part, str) else f"{{{{{part.expression.text}}}}}" for part in message.parts)


def when(branch: Branch) -> str:
    """Return the condition of a branch in one line, "" where it has none."""
    return " ".join(branch.when.expression.text.split()) if branch.when is not None else ""


def gives(branch: Branch) -> str:
    """Return what a branch gives: an expression, or a value in JSON."""
    if branch.compute is not None:
        return " ".join(branch.compute.expression.text.split())
    return json_text(branch.value)


def added(part: StringSet) -> dict[str, Place]:
    """Return a set's entries that another file added than the one it stands in, with their places."""
    return {word: place for word, place in part.entries if place.source is not part.place.source}


def _layer(document: Document) -> Layer:
    return Layer(document.name, document.version, document.place.source.name)


def _named(document: Document) -> Iterator[tuple[tuple[str, str], Place]]:
    parts: list[tuple[str, StringSet | Limit | Derivation | Gate]] = [
        *(("set", part) for part in document.sets),
        *(("limit", part) for part in document.limits),
        *(("derived fact", part) for part in document.derive),
        *(("gate", part) for part in document.all_gates),
    ]
    for kind, part in parts:
        yield (kind, part.id if isinstance(part, Gate) else part.name), part.place
