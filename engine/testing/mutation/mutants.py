"""Mutants of a policy: copies of its document, each with one thing wrong."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

from ...facts.wording import json_text
from ...language.expression import Expression
from ...problems import Problem
from ...rulefile.document import BACKENDS, Branch, Derivation, Document, Gate, Located, Place, Template
from .slips import rewrites

KINDS = {
    "condition": "conditions negated, or always true",
    "term": "terms dropped, negated, true or false",
    "operator": "comparisons flipped",
    "limit": "limits moved by a thousandth, or by one",
    "gate": "gates dropped",
    "order": "neighbours swapped",
    "branch": "derive branches dropped, or their value flipped",
    "outcome": "decisions, backends, errors and statuses changed",
    "entry": "set entries removed",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant. id: stable while its part of the file is. word: the set entry that was removed."""

    id: str
    kind: str
    words: str
    file: str
    line: int
    document: Document
    set: str = ""
    word: str = ""


def mutants(document: Document) -> Iterator[Mutant]:
    """Yield every mutant, in the order of the file. They are not checked: some would not load.

    Of a policy that extends another those of its own file: the other's are its own cases' to notice.
    """
    own = document.place.source.name if document.base is not None else None
    yield from (mutant for mutant in _every(document) if own is None or mutant.file == own)


def _every(document: Document) -> Iterator[Mutant]:
    yield from _entries(document)
    yield from _limits(document)
    for number, derivation in enumerate(document.derive):
        yield from _derivation(document, number, derivation)
    yield from _gates(document)


def _mutant(id: str, kind: str, words: str, place: Place, document: Document) -> Mutant:
    return Mutant(" ".join(id.split()), kind, " ".join(words.split()), place.source.name, place.line, document)


def _entries(document: Document) -> Iterator[Mutant]:
    for number, part in enumerate(document.sets):
        for word, place in part.entries:
            kept = tuple((other, at) for other, at in part.entries if other != word)
            less = replace(part, add=tuple(other for other, _ in kept), places=tuple(at for _, at in kept))
            sets = (*document.sets[:number], less, *document.sets[number + 1 :])
            id, words = f"sets.{part.name}/without {word}", f"`{word}` removed from `sets.{part.name}`"
            changed = document.changed(sets=sets)
            yield Mutant(id, "entry", words, place.source.name, place.line, changed, part.name, word)


def _limits(document: Document) -> Iterator[Mutant]:
    for number, limit in enumerate(document.limits):
        step = 1 if isinstance(limit.value, int) else abs(limit.value) / 1000 or 0.001
        for word, value in (("above", limit.value + step), ("below", limit.value - step)):
            limits = (*document.limits[:number], replace(limit, value=value), *document.limits[number + 1 :])
            words = f"the limit `{limit.name}` moved from {limit.value:g} to {value:g}"
            yield _mutant(f"limits.{limit.name}/{word}", "limit", words, limit.place, document.changed(limits=limits))


# --- derived facts


def _derivation(document: Document, number: int, derivation: Derivation) -> Iterator[Mutant]:
    owner = f"derive.{derivation.name}"
    branches = derivation.branches

    def made(kind: str, id: str, words: str, place: Place, changed: list[Branch]) -> Mutant:
        part = replace(derivation, branches=tuple(changed))
        derive = (*document.derive[:number], part, *document.derive[number + 1 :])
        return _mutant(id, kind, words, place, document.changed(derive=derive))

    for index, branch in enumerate(branches):
        name = f"{owner}.{index + 1}" if len(branches) > 1 else owner
        before, after = list(branches[:index]), list(branches[index + 1 :])
        if branch.when is not None:
            words = f"branch {index + 1} of `derived.{derivation.name}` dropped"
            yield made("branch", f"{name}/dropped", words, branch.place, [*before, *after])
            following = after[0] if after else None
            if following is not None and following.when is not None and not _alike(branch, following):
                words = f"branches {index + 1} and {index + 2} of `derived.{derivation.name}` swapped"
                changed = [*before, following, branch, *after[1:]]
                yield made("order", f"{name}/swapped with the next", words, branch.place, changed)
            for mutated, kind, label, place in _expressions(branch.when, condition=True):
                words = f"in branch {index + 1} of `derived.{derivation.name}`: {label}"
                changed = [*before, replace(branch, when=mutated), *after]
                yield made(kind, f"{name}/{label}", words, place, changed)
        if branch.compute is not None:
            boolean = bool(branch.compute.expression.node.get("boolean"))
            for mutated, kind, label, place in _expressions(branch.compute, condition=boolean):
                words = f"in what computes `derived.{derivation.name}`: {label}"
                changed = [*before, replace(branch, compute=mutated), *after]
                yield made(kind, f"{name}/computes {label}", words, place, changed)
            if boolean:
                words = f"`derived.{derivation.name}` computed as false"
                changed = [*before, replace(branch, compute=None, value=False), *after]
                yield made("condition", f"{name}/computes false", words, branch.place, changed)
        elif isinstance(branch.value, bool):
            words = f"the value of branch {index + 1} of `derived.{derivation.name}` is {json_text(not branch.value)}"
            changed = [*before, replace(branch, value=not branch.value), *after]
            yield made("branch", f"{name}/{json_text(not branch.value)}", words, branch.place, changed)


def _alike(one: Branch, other: Branch) -> bool:
    # Of two branches of one value the order never shows.
    return one.compute is None and other.compute is None and repr(one.value) == repr(other.value)


def _expressions(located: Located, condition: bool) -> Iterator[tuple[Located, str, str, Place]]:
    text = located.expression.text
    for rewrite in rewrites(located.expression, condition):
        # A copy: the type check writes into the tree, and the policy's own must stay as it was checked.
        mutated = replace(located, expression=Expression(text, deepcopy(rewrite.node)))
        problem = located.at(Problem("", ""), rewrite.offset, 1)
        start = sum(len(line) + 1 for line in located.source.text.split("\n")[: problem.line - 1])
        yield mutated, rewrite.kind, rewrite.label, Place(located.source, start, start + 1)


# --- gates


def _gates(document: Document) -> Iterator[Mutant]:
    gates = document.gates

    def made(kind: str, id: str, words: str, place: Place, changed: list[Gate]) -> Mutant:
        return _mutant(id, kind, words, place, document.changed(gates=tuple(changed)))

    for number, gate in enumerate(gates):
        owner, what = f"gates.{gate.id}", f"the gate `{gate.id}`"
        before, after = list(gates[:number]), list(gates[number + 1 :])
        if gate.when is not None:
            yield made("gate", f"{owner}/dropped", f"{what} dropped", gate.place, [*before, *after])
            if after and after[0].when is not None:
                words = f"{what} swapped with `{after[0].id}`"
                changed = [*before, after[0], gate, *after[1:]]
                yield made("order", f"{owner}/swapped with {after[0].id}", words, gate.place, changed)
            for mutated, kind, label, place in _expressions(gate.when, condition=True):
                changed = [*before, replace(gate, when=mutated), *after]
                yield made(kind, f"{owner}/{label}", f"in {what}: {label}", place, changed)
        for label, changed in _outcomes(gate):
            yield made("outcome", f"{owner}/{label}", f"{what}: {label}", gate.place, [*before, changed, *after])


def _outcomes(gate: Gate) -> Iterator[tuple[str, Gate]]:
    """Yield the gate with another decision, well formed: what that needs and the gate lacks is put in."""
    message = gate.message or Template(("no message",))
    backend = gate.backend if gate.backend in BACKENDS else BACKENDS[0]
    if gate.decide != "allow":
        yield "decides allow", replace(gate, decide="allow", backend=backend, error=None, http=None, message=None)
    if gate.decide != "warn":
        yield "decides warn", replace(gate, decide="warn", backend=backend, error=None, http=None, message=message)
    if gate.decide != "block":
        blocking = replace(gate, decide="block", backend="unsupported", error="other_error", http=501, message=message)
        yield "decides block", blocking
        other = BACKENDS[(BACKENDS.index(backend) + 1) % len(BACKENDS)]
        yield f"backend {other}", replace(gate, backend=other)
    if gate.error is not None:
        yield "another error", replace(gate, error="other_error")
    if gate.decide == "block":
        yield "another http", replace(gate, http=(gate.http or 400) + 1)
