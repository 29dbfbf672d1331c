"""A policy taken apart for testing: each condition by itself, and only what a change can reach evaluated again.

It decides as `Policy.decide` does (tests hold the two against one another), for facts that are whole and well typed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ..compiler.expression_code import Compiler, Evaluate, Scope
from ..compiler.program_builder import sections
from ..facts.vocabulary import vocabulary
from ..language.fact_paths import paths_in
from ..rulefile.document import Derivation, Document, Gate, Located
from .outcome import same


@dataclass(frozen=True, slots=True)
class Step:
    """One branch, compiled."""

    value: Any
    when: Evaluate | None
    compute: Evaluate | None


@dataclass(frozen=True, slots=True)
class Part:
    """A derived fact, compiled. reads: the sets, limits and derived facts it takes in, as `sets.NAME`."""

    derivation: Derivation
    steps: tuple[Step, ...]
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Test:
    """A gate, compiled."""

    gate: Gate
    when: Evaluate | None
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class State:
    """One case's whole facts and what a policy made of them. gate: None where something could not be evaluated.

    silent: the gates of which it is known that they do not fire, by id.
    """

    facts: Scope
    given: Mapping[str, Any]
    derived: Mapping[str, Any]
    gate: Gate | None
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Machine:
    """A policy document, compiled.

    asking: of what gates read, those that do. Of what differs from the machine it was made from: changed, by name;
    affected, the derived facts that it may reach; before, the gates above the first that differs; kept, the gates that
    do not differ.
    """

    document: Document
    sets: Mapping[str, list[str]]
    limits: Mapping[str, int | float]
    parts: tuple[Part, ...]
    tests: tuple[Test, ...]
    asking: Mapping[str, set[str]]
    changed: frozenset[str]
    affected: tuple[Part, ...]
    before: frozenset[str]
    kept: frozenset[str]

    def start(self, facts: Mapping[str, Any]) -> State:
        """Return what the policy makes of a case's facts."""
        whole, _ = vocabulary().complete(facts)
        given = whole.pop("derived", None) or {}
        derived: dict[str, Any] = {part.derivation.name: None for part in self.parts}
        scope = self.scope(whole, derived)
        try:
            for part in self.parts:
                name = part.derivation.name
                derived[name] = given[name] if name in given else first(part.steps, scope)
            gate = self._decider(scope)
        except Exception:
            return State(whole, given, derived, None)
        above = takewhile(lambda test: test.gate is not gate, self.tests)
        return State(whole, given, derived, gate, frozenset(test.gate.id for test in above))

    def again(self, state: State) -> State | None:
        """Return what this machine makes of a case that another decided, or None where nothing can differ."""
        if not self.affected and state.gate is not None and state.gate.id in self.before:
            return None
        derived = dict(state.derived)
        scope = self.scope(state.facts, derived)
        dirty = set(self.changed)
        moved = False
        try:
            for part in self.affected:
                name = part.derivation.name
                if name in state.given or not (f"derived.{name}" in self.changed or part.reads & dirty):
                    continue
                dirty.discard(f"derived.{name}")
                value = first(part.steps, scope)
                if not same(value, derived[name]):
                    derived[name] = value
                    dirty.add(f"derived.{name}")
                    moved = True
            asking = [self.asking[name] for name in dirty if name in self.asking]
            if "gates" not in dirty and not asking:
                return State(state.facts, state.given, derived, state.gate) if moved else None
            silent = (state.silent & self.kept).difference(*asking)
            return State(state.facts, state.given, derived, self._decider(scope, silent))
        except Exception:
            return State(state.facts, state.given, derived, None)

    def scope(self, facts: Scope, derived: Mapping[str, Any]) -> Scope:
        """Return what expressions are evaluated over."""
        return {**facts, "sets": self.sets, "limits": self.limits, "derived": derived}

    def _decider(self, scope: Scope, silent: Collection[str] = ()) -> Gate:
        """Return the gate that fires. silent: those of which it is known that they do not."""
        for test in self.tests:
            if test.gate.id not in silent and (test.when is None or holds(test.when, scope)):
                return test.gate
        raise ValueError("no gate fires")


def holds(when: Evaluate, scope: Scope) -> bool:
    """Return a condition's value. Raises ValueError where it is no boolean."""
    value = when(scope)
    if not isinstance(value, bool):
        raise ValueError("not boolean")
    return value


def first(steps: tuple[Step, ...], scope: Scope) -> Any:
    """Return the value of the first branch that matches."""
    for step in steps:
        if step.when is None or holds(step.when, scope):
            return step.compute(scope) if step.compute is not None else step.value
    raise ValueError("no branch matches")


def machine(document: Document, base: Machine | None = None) -> Machine:
    """Compile a checked document; of `base` all is taken that is the same object and reads no set that differs."""
    sets = {part.name: list(part.add) for part in document.sets}
    limits = {part.name: part.value for part in document.limits}
    changed = _changed(document, base.document) if base is not None else frozenset[str]()
    changed_sets = {name for name in changed if name.startswith("sets.")}
    parts = {id(part.derivation): part for part in base.parts if not part.reads & changed_sets} if base else {}
    known = {id(test.gate) for test in base.tests} if base else set[int]()
    tests = {id(test.gate): test for test in base.tests if not test.reads & changed_sets} if base else {}
    compiler = Compiler(sets, sections())
    wanted = [located for part in document.derive if id(part) not in parts for located in part.expressions]
    wanted += [gate.when for gate in document.gates if id(gate) not in tests and gate.when is not None]
    numbers = {id(located): compiler.add(located.expression.node) for located in wanted}
    functions = compiler.finish() if numbers else []

    def of(located: Located | None) -> Evaluate | None:
        return None if located is None else functions[numbers[id(located)]]

    def compiled(part: Derivation) -> Part:
        steps = tuple(Step(branch.value, of(branch.when), of(branch.compute)) for branch in part.branches)
        return Part(part, steps, reads(*part.expressions))

    def tested(gate: Gate) -> Test:
        return Test(gate, of(gate.when), reads(gate.when) if gate.when is not None else frozenset())

    whole = tuple(parts.get(id(part)) or compiled(part) for part in document.derive)
    every = tuple(tests.get(id(gate)) or tested(gate) for gate in document.gates)
    return Machine(
        document,
        sets,
        limits,
        whole,
        every,
        _asking(every),
        changed,
        _affected(whole, changed),
        _before(every, base, changed),
        frozenset(test.gate.id for test in every if id(test.gate) in known),
    )


def _asking(tests: tuple[Test, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for test in tests:
        for name in test.reads:
            found.setdefault(name, set()).add(test.gate.id)
    return found


def _affected(parts: tuple[Part, ...], changed: frozenset[str]) -> tuple[Part, ...]:
    reached, found = set(changed), list[Part]()
    for part in parts:
        name = f"derived.{part.derivation.name}"
        if name in changed or part.reads & reached:
            reached.add(name)
            found.append(part)
    return tuple(found)


def _before(tests: tuple[Test, ...], base: Machine | None, changed: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    for test, other in zip(tests, base.tests if base is not None else (), strict=False):
        if test.gate is not other.gate or test.reads & changed:
            break
        found.add(test.gate.id)
    return frozenset(found)


def _changed(document: Document, base: Document) -> frozenset[str]:
    found: set[str] = set()
    for kind, ours, theirs in (("sets", document.sets, base.sets), ("limits", document.limits, base.limits)):
        found |= {f"{kind}.{one.name}" for one, other in zip(ours, theirs, strict=True) if one is not other}
    found |= {
        f"derived.{one.name}" for one, other in zip(document.derive, base.derive, strict=True) if one is not other
    }
    if document.gates is not base.gates:
        found.add("gates")
    return frozenset(found)


def reads(*parts: Located) -> frozenset[str]:
    """Return the sets, limits and derived facts that expressions read."""
    paths = (path.split(".") for located in parts for path in paths_in(located.expression.node))
    return frozenset(".".join(path[:2]) for path in paths if path[0] in ("sets", "limits", "derived"))
