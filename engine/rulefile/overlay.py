"""Puts a policy together from the one it extends and its own changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from ..problems import Problem, Problems, did_you_mean
from .document import UNWANTED, WANTED, Derivation, Document, Gate, Limit, Place, StringSet
from .gate_reader import NOT_IMPLEMENTED

Part = TypeVar("Part", Limit, Derivation)


def merge(base: Document, over: Document) -> tuple[Document, list[Problem]]:
    """Return `base` with the changes of `over`, and a problem for each change of what the base does not have.

    A set is replaced, or added to and taken from; a limit or derived fact of the same name is replaced where it stands,
    a new one is put at the end; a gate of the same id is replaced where it stands, a new one placed before or after a
    named one. Where a gate of `over` is not sound, the places of the others are not judged: they may be beside it.
    """
    problems, misplaced = Problems(), Problems()
    merged = over.changed(
        extends=(),
        levels=tuple(dict([*base.levels, *over.levels]).items()),
        base=base,
        audit=over.audit or base.audit,
        sets=_sets(base, over, problems),
        limits=_by_name(base.limits, over.limits),
        derive=_by_name(base.derive, over.derive),
        gates=_gates(base.gates, over, misplaced),
    )
    problems.extend(_unread(base, merged))
    if not misplaced and base.gates:
        misplaced.extend(_last_gate(base.gates, over, merged.gates))
    if "gates" not in over.doubtful:
        problems.extend(misplaced)
    lost = {f"sets.{part.name}" for part in over.sets} - {f"sets.{part.name}" for part in merged.sets}
    return merged.changed(doubtful=over.doubtful | lost | ({"gates"} if misplaced else set())), problems


def _by_name(base: tuple[Part, ...], over: tuple[Part, ...]) -> tuple[Part, ...]:
    merged = {part.name: part for part in base}
    merged.update({part.name: part for part in over})
    return tuple(merged.values())


def _unread(base: Document, merged: Document) -> Iterator[Problem]:
    """Yield a problem for each new set, limit or derived fact that nothing reads, and is called almost like another."""
    if merged.doubtful:
        return
    expressions = [located for part in merged.derive for b in part.branches for located in (b.when, b.compute)]
    for gate in merged.gates:
        expressions += [gate.when, *(part for part in (gate.message.parts if gate.message else ()) if part)]
    read = "\n".join(part if isinstance(part, str) else part.expression.text for part in expressions if part)
    audited = {name for name, _, _ in merged.audit.sets} if merged.audit is not None else set[str]()
    for what, section, before, parts in (
        ("set", "sets", base.sets, merged.sets),
        ("limit", "limits", base.limits, merged.limits),
        ("derived fact", "derived", base.derive, merged.derive),
    ):
        known = [part.name for part in before]
        for part in parts:
            if part.name in known or re.search(rf"\b{part.name}\b", read) or (what == "set" and part.name in audited):
                continue
            if help := did_you_mean(part.name, known):
                code = f"unknown-{what.split()[0]}"
                yield part.place.problem(code, f"nothing reads the new {what} `{section}.{part.name}`", help)


def _last_gate(base: tuple[Gate, ...], over: Document, merged: tuple[Gate, ...]) -> Iterator[Problem]:
    """Yield what the changes do to the gate that decides last, at the change: the base is as it should be."""
    own = over.place.source
    last = next((n for n, gate in enumerate(merged[:-1]) if gate.when is None and gate.place.source is not own), None)
    if last is not None:
        for gate in merged[last + 1 :]:
            if gate.place.source is own:
                name = merged[last].id
                message = f"the gate `{gate.id}` is never reached: `{name}` before it always fires"
                yield gate.place.problem("unreachable", message, f"say `before: {name}`")
    elif merged and merged[-1].when is not None and merged[-1].place.source is not own and base[-1].when is None:
        removed = next((gate for gate in over.gates if gate.id == base[-1].id), None)
        if removed is not None:
            message = f"without `{removed.id}` the last gate, `{merged[-1].id}`, may not fire, and then nothing decides"
            help = f"put another in its place: `id: {removed.id}`, `otherwise: true`"
            yield removed.place.problem("no-otherwise", message, help)


def _sets(base: Document, over: Document, problems: list[Problem]) -> tuple[StringSet, ...]:
    merged = {part.name: part for part in base.sets}
    for change in over.sets:
        if change.whole:
            merged[change.name] = change
            continue
        before = merged.get(change.name)
        if before is None:
            help = did_you_mean(change.name, merged) or _there_is(merged) or "give the new set as a list"
            problems.append(change.place.problem("unknown-set", f"no set `{change.name}` to change", help))
            continue
        for word, place in zip(change.remove, change.removed, strict=True):
            if word not in before.add:
                help = did_you_mean(word, before.add) or "delete it from `remove`"
                problems.append(place.problem("unknown-entry", f"`{word}` is not in the set `{change.name}`", help))
        for word, place in change.entries:
            if word in before.add:
                message = f"`{word}` is in the set `{change.name}` already"
                problems.append(place.problem("duplicate-entry", message, "delete it from `add`"))
        kept = {word: place for word, place in before.entries if word not in change.remove}
        kept.update((word, place) for word, place in change.entries if word not in kept)
        merged[change.name] = replace(before, add=tuple(kept), places=tuple(kept.values()))
    return tuple(merged.values())


def _there_is(names: Collection[str]) -> str:
    return f"the sets are {', '.join(names)}" if names else ""


def _gates(base: tuple[Gate, ...], over: Document, problems: list[Problem]) -> tuple[Gate, ...]:
    merged = list(base)
    for gate in over.gates:
        ids = [other.id for other in merged]
        if gate.change and gate.id in ids:
            gate = _changed(merged[ids.index(gate.id)], gate, problems)
        elif gate.change:
            help = did_you_mean(gate.id, ids) or f"name a gate that `mlxk-rules policy {over.extends[0]}` shows"
            problems.append(gate.place.problem("unknown-gate", f"no gate `{gate.id}` to change", help))
            continue
        if gate.remove or (gate.id in ids and gate.near is None):
            if gate.id not in ids:
                help = did_you_mean(gate.id, ids) or "delete this entry"
                problems.append(gate.place.problem("unknown-gate", f"no gate `{gate.id}` to remove", help))
                continue
            position = ids.index(gate.id)
            merged[position : position + 1] = [] if gate.remove else [gate]
            continue
        if gate.near is None:
            help = f"say `before:` or `after:` which gate it stands; `mlxk-rules policy {over.extends[0]}` shows them"
            if meant := did_you_mean(gate.id, ids):
                help = f"{help}; or, to replace one, {meant}"
            problems.append(gate.place.problem("no-place", f"the new gate `{gate.id}` has no place", help))
            merged.insert(0, gate)  # anywhere: what it says is checked all the same
            continue
        side, neighbour = gate.near
        merged = [other for other in merged if other.id != gate.id]
        ids = [other.id for other in merged]
        if neighbour not in ids:
            help = did_you_mean(neighbour, ids) or f"name a gate that `mlxk-rules policy {over.extends[0]}` shows"
            problems.append(gate.place.problem("unknown-gate", f"no gate `{neighbour}` to stand {side}", help))
            merged.insert(0, gate)
            continue
        merged.insert(ids.index(neighbour) + (side == "after"), replace(gate, near=None))
    return tuple(merged)


def _changed(gate: Gate, over: Gate, problems: list[Problem]) -> Gate:
    """Return a gate with the keys changed that an overlay names, and a problem for what then does not go together."""
    keys = set(over.change)
    given = {key: getattr(over, key) for key in ("when", "decide", "error", "http", "message") if key in keys}
    decide = str(given.get("decide", gate.decide))
    backend = over.backend if "backend" in keys else gate.backend
    for key in UNWANTED.get(decide, ()):
        if key in keys:
            message = f"the gate `{gate.id}` decides {decide}, `{key}` has no place there"
            problems.append(over.place.problem("unknown-key", message, "delete it"))
        elif key != "backend":
            given[key] = None
    if decide == "block":
        backend = "unsupported"
        given.setdefault("http", gate.http or NOT_IMPLEMENTED)
    there = {"backend": backend != "unsupported", "error": given.get("error", gate.error)}
    there["message"] = given.get("message", gate.message)
    for key in WANTED.get(decide, ()):
        if not there[key]:
            message = f"the gate `{gate.id}` then decides {decide} and has no `{key}`"
            problems.append(over.place.problem("missing-key", message, f"add `{key}:` to `change`"))
    if gate.when is None and over.when is not None:
        message = f"the gate `{gate.id}` is the last and always fires"
        problems.append(over.place.problem("unknown-key", message, "delete `when`"))
    about = tuple({**dict(gate.about), **dict(over.about)}.items())
    until = over.until if "when" in keys else gate.until
    observe = over.observe if "mode" in keys else gate.observe
    near = over.near
    more = {"backend": backend, "about": about, "until": until, "observe": observe, "near": near, "place": over.place}
    return replace(gate, **given, **more)


def conflicts(some: Sequence[Document], others: Sequence[Document], over: Document) -> Iterator[Problem]:
    """Yield a problem for each part that overlays which know nothing of each other change in different ways.

    Where `over`, which extends them all, says it itself, there is no conflict: it decides.
    """
    settled = {name for name, _, _ in _parts(over)}
    said = {name: (what, place) for document in some for name, what, place in _parts(document)}
    for document in others:
        for name, what, place in _parts(document):
            before = said.get(name)
            if before is not None and before[0] != what and name not in settled:
                message = f"{name} is changed by {before[1]} too, and otherwise"
                file = over.place.source
                help = f"say it in {file.name} as well, which then decides"
                help = help if file.path else "write a policy that extends both, and say it there"
                yield place.problem("overlay-conflict", message, help)


def _parts(document: Document) -> Iterator[tuple[str, object, Place]]:
    """Yield what an overlay changes: a name, what it then is, and where that is said."""
    for part in document.limits:
        yield f"the limit `{part.name}`", part.value, part.place
    for part in document.derive:
        yield f"the derived fact `{part.name}`", _text(part), part.place
    for part in document.sets:
        if part.whole:
            yield f"the set `{part.name}`", part.add, part.place
        for word, place in part.entries if not part.whole else ():
            yield f"`{word}` in the set `{part.name}`", "added", place
        for word, place in zip(part.remove, part.removed, strict=True):
            yield f"`{word}` in the set `{part.name}`", "removed", place
    for gate in document.gates:
        yield f"the gate `{gate.id}`", _text(gate), gate.place


def _text(part: Derivation | Gate) -> str:
    """Return what a part says as text, which its own place is no part of."""
    source, start = part.place.source.text, part.place.start
    end = re.compile(r"\n {0,2}\S").search(source, part.place.end)
    return " ".join(source[start : end.start() if end else len(source)].split())
