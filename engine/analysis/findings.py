"""What is wrong with a policy that no single line shows: gates that never fire, entries that decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ..facts.types import BOOLEAN
from ..language.fact_paths import paths_in
from ..policy import Policy
from ..rulefile.checked import check
from ..rulefile.document import Derivation, Gate, Place, StringSet
from .cases.formula import Conditions, Formula
from .cases.space import Space
from .difference import difference, outcome
from .finding import Finding, explained, place_of
from .gate_cases import Symbolic
from .outputs import SHOWN, decided_by, read_by


def findings(policy: Policy) -> list[Finding]:
    """Return everything found, in the file's order. Raises UsageError where there is no solver."""
    found = [explained(finding, place) for finding, place in _Analysis(policy).all()]
    return sorted(found, key=lambda f: (f.note, f.problem.file, f.problem.line, f.problem.column, f.problem.code))


class _Analysis:
    def __init__(self, policy: Policy) -> None:
        self.policy, self.document = policy, policy.document
        self.conditions = Conditions(policy)
        self.gates = self.conditions.gates(policy)
        self.guards = {part.name: self.conditions.guards(part.name) for part in self.document.derive}
        self.shown = [formula for name in SHOWN if name in self.guards for formula in self._shown(name)]
        self.decided = decided_by(self.document)
        self.others = dict(self._others())
        parts: list[Formula] = [*self.gates, *self.shown, *(g for guards in self.guards.values() for g in guards)]
        self.space = Space(
            [*parts, *(f for others in self.others.values() for gates in others for f in gates)], ghosts=True
        )
        self.cases = self.space.cases
        self.symbolic = Symbolic(self.space, self.gates)

    def all(self) -> Iterator[tuple[Finding, Place]]:
        yield from self.silent_gates()
        yield from self.undecided()
        yield from self.branches()
        yield from self.derived()
        yield from self.limits()
        yield from self.sets()
        yield from self.order()

    # --- gates

    def silent_gates(self) -> Iterator[tuple[Finding, Place]]:
        for position, gate in enumerate(self.document.gates):
            when = self.symbolic.whens[position]
            if self._may(self.symbolic.fires[position]):
                continue
            if not self._may(when):
                message, help = (
                    f"the gate `{gate.id}` never fires: its condition holds for no facts",
                    "mend it, or delete it",
                )
            else:
                hiding = ", ".join(f"`{other}`" for other in self._hiding(position, when))
                message = f"the gate `{gate.id}` never fires: {hiding} before it decide all that it would"
                message = message if hiding.count("`") > 2 else message.replace("decide all", "decides all")
                help = "put it before them, or delete it"
            yield self._finding(gate.place, "gate-never-fires", message, help, when, self.symbolic.fires[position])

    def _hiding(self, position: int, when: int) -> Iterator[str]:
        """Yield the gates before the one at `position` that together decide all of its condition; each is needed."""
        whens, negated = self.symbolic.whens, self.cases.negated
        hiding = [other for other in range(position) if self._may(when, self.symbolic.fires[other])]
        for other in list(hiding):
            if not self._may(when, *(negated(whens[kept]) for kept in hiding if kept != other)):
                hiding.remove(other)
        yield from (self.document.gates[other].id for other in hiding)

    def undecided(self) -> Iterator[tuple[Finding, Place]]:
        if self._may(self.symbolic.undecided):
            help = "end with a gate that has `otherwise: true`"
            message = "there are facts for which no gate decides"
            yield self._finding(self.document.gates[-1].place, "undecided", message, help, self.symbolic.undecided)

    def order(self) -> Iterator[tuple[Finding, Place]]:
        gates = self.document.gates
        for position, (one, other) in enumerate(pairwise(gates[:-1])):
            first, second = self.symbolic.whens[position], self.symbolic.whens[position + 1]
            apart = not self._may(self.symbolic.reached[position], first, second)
            if apart or outcome(one) == outcome(other):
                why = "never both hold" if apart else "decide the same"
                message = f"the gates `{one.id}` and `{other.id}` {why}: their order changes nothing"
                yield self._finding(other.place, "order-free", message, "", first, second, note=True)

    # --- derived facts, limits, sets

    def branches(self) -> Iterator[tuple[Finding, Place]]:
        for derivation in self.document.derive:
            for number, (branch, guard) in enumerate(
                zip(derivation.branches, self.guards[derivation.name], strict=True)
            ):
                function = self.space.diagram(guard)
                if branch.when is None or self._may(function):
                    continue  # a last `otherwise` must stand, reached or not
                held = self._may(self.space.diagram(self.conditions.of(branch.when.expression.node)))
                why = "its condition holds for no facts" if not held else "branches above it match before"
                message = f"branch {number + 1} of `{derivation.name}` is never reached: {why}"
                when = self.space.diagram(self.conditions.of(branch.when.expression.node))
                yield self._finding(branch.place, "dead-branch", message, "mend it, or delete it", when, function)

    def derived(self) -> Iterator[tuple[Finding, Place]]:
        read, only_decides = read_by(self.document, "derived"), self._only_decides()
        for derivation in self.document.derive:
            name = derivation.name
            if name not in read:
                message = f"no gate, no message and no shown fact reads `derived.{name}`"
                yield self._finding(derivation.place, "dead-derived", message, "delete it")
            elif name in only_decides and not any(map(self._changes, self.others[name])):
                message = f"no decision changes, whatever `derived.{name}` is"
                functions = [self.space.diagram(guard) for guard in self.guards[name]]
                yield self._finding(
                    derivation.place, "dead-derived", message, "delete it, or what reads it", *functions
                )

    def limits(self) -> Iterator[tuple[Finding, Place]]:
        read = read_by(self.document, "limits")
        for limit in self.document.limits:
            if limit.name not in read:
                yield self._finding(limit.place, "dead-limit", f"nothing reads `limits.{limit.name}`", "delete it")
            elif not any(map(self._changes, self.others[f"limits.{limit.name}"])):
                message = f"no decision changes, whatever `limits.{limit.name}` is"
                yield self._finding(
                    limit.place, "dead-limit", message, "delete it, or what reads it", *self.symbolic.whens
                )

    def sets(self) -> Iterator[tuple[Finding, Place]]:
        read = read_by(self.document, "sets")
        shown = [self.space.diagram(formula) for formula in self.shown]
        known: dict[tuple[tuple[int, int, int], ...], tuple[int, ...] | None] = {}
        for part in self.document.sets:
            if part.name not in read:
                yield self._finding(part.place, "dead-set", f"nothing reads `sets.{part.name}`", "delete it")
                continue
            for entry in part.add:
                if part.name in self.space.parted:
                    within = any(other != entry and other in entry for other in part.add)
                    dead = () if within else None
                elif part.name in self.space.unghosted:
                    dead = (self.space.real,) if self._same_without(part, entry) else None
                else:
                    ghosts = self.space.ghosts.get((part.name, entry), [])
                    key = tuple(sorted((ghost.variable, ghost.value, ghost.other) for ghost in ghosts))
                    dead = known[key] = known[key] if key in known else self._dead(key, shown)
                if dead is not None:
                    message = f"`{entry}` in `{part.name}` changes nothing: without it all is decided alike"
                    place = place_of(part, entry)
                    yield self._finding(place, "dead-entry", message, "delete it", *dead)[0], part.place

    def _differing(self, fixed: tuple[dict[int, int], dict[int, int]], shown: list[int]) -> int:
        """Return where some decision, or shown fact, is another with the second values in place of the first."""
        given, either = self.cases.given, self.cases.either
        differing = 0
        for function in [*self._outcomes(self.symbolic), *shown]:
            one, other = (given(function, values) for values in fixed)
            if one != other:
                differing = either(differing, self.cases.negated(self.cases.same(one, other)))
        return differing

    def _dead(self, ghosts: tuple[tuple[int, int, int], ...], shown: list[int]) -> tuple[int, ...] | None:
        """Return the conditions by which an entry was found to change nothing; None where it changes something."""
        asked: list[int] = []
        for fixed in _replaced(ghosts):
            asked.append(self._differing(fixed, shown))
            laws = [self.cases.given(self.space.laws, values) for values in fixed]
            if asked[-1] and self.cases.possible(asked[-1], *laws) is not None:
                return None
        return tuple(asked)

    def _outcomes(self, symbolic: Symbolic) -> list[int]:
        """Return for each outcome where a gate decides so."""
        by_outcome: dict[Any, int] = {}
        for gate, fires in zip(self.document.gates, symbolic.fires, strict=True):
            by_outcome[outcome(gate)] = self.cases.either(by_outcome.get(outcome(gate), 0), fires)
        return list(by_outcome.values())

    def _same_without(self, part: StringSet, entry: str) -> bool:
        less = StringSet(part.name, tuple(word for word in part.add if word != entry), part.place)
        sets = tuple(less if other is part else other for other in self.document.sets)
        without = Policy(check(self.document.changed(sets=sets)))
        return difference(self.policy, without).same

    # --- helpers

    def _shown(self, name: str) -> Iterator[Formula]:
        """Yield conditions that together tell the value of a derived fact."""
        derivation = self._derivation(name)
        if self.policy.derived_types.get(name) == BOOLEAN:
            yield self.conditions.of({"type": "subexpression", "children": _fields("derived", name)})
            return
        yield from self.guards[name]
        for branch in derivation.branches:
            for other in _read_in(branch.compute.expression.node) if branch.compute else ():
                if other in self.guards and other not in SHOWN:
                    yield from self._shown(other)

    def _others(self) -> Iterator[tuple[str, list[list[Formula]]]]:
        """Yield for derived facts and limits the gates' conditions, were they something else."""
        for name in sorted(self._only_decides()):
            values = self._possible(name)
            yield (
                name,
                [Conditions(self.policy, {name: value}, None, self.conditions).gates(self.policy) for value in values],
            )
        for limit in self.document.limits:
            ends = [-1e15, 1e15, limit.value + 1, limit.value - 1]
            yield (
                f"limits.{limit.name}",
                [Conditions(self.policy, None, {limit.name: end}, self.conditions).gates(self.policy) for end in ends],
            )

    def _possible(self, name: str) -> list[Any]:
        if self.policy.derived_types.get(name) == BOOLEAN:
            return [True, False]
        branches = self._derivation(name).branches
        return [] if any(b.compute for b in branches) else [branch.value for branch in branches]

    def _only_decides(self) -> set[str]:
        """The derived facts that nothing but gates reads: of those that are shown, a message says, all counts."""
        empty = tuple(gate for gate in self.document.gates if gate.when is None)
        others = read_by(self.document.changed(gates=_without_conditions(self.document.gates) or empty), "derived")
        return {name for name in self.decided & self.guards.keys() if name not in others and self._possible(name)}

    def _changes(self, gates: list[Formula]) -> bool:
        others = self._outcomes(Symbolic(self.space, gates))
        differing = 0
        for one, other in zip(self._outcomes(self.symbolic), others, strict=True):
            if one != other:
                differing = self.cases.either(differing, self.cases.negated(self.cases.same(one, other)))
        return self._may(differing)

    def _may(self, *conditions: int) -> bool:
        """Whether the conditions hold together for some facts."""
        return self.cases.possible(self.space.real, *conditions) is not None

    def _derivation(self, name: str) -> Derivation:
        return next(part for part in self.document.derive if part.name == name)

    def _finding(
        self, place: Place, code: str, message: str, help: str, *functions: int, note: bool = False
    ) -> tuple[Finding, Place]:
        return Finding(place.problem(code, message, help), tuple(self.space.unsure(*functions)), note), place


def _replaced(ghosts: tuple[tuple[int, int, int], ...]) -> Iterator[tuple[dict[int, int], dict[int, int]]]:
    """Yield what to fix with an entry and without: each fact alone, and one text in several facts at once."""
    first: dict[int, tuple[int, int]] = {}
    for variable, value, other in ghosts:
        yield {variable: value}, {variable: other}
        first.setdefault(variable, (value, other))
    if len(first) > 1:
        yield {v: value for v, (value, _) in first.items()}, {v: other for v, (_, other) in first.items()}


def _without_conditions(gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    return tuple(replace(gate, when=None) for gate in gates)


def _fields(*names: str) -> list[Any]:
    return [{"type": "field", "value": name, "children": []} for name in names]


def _read_in(node: dict[str, Any]) -> list[str]:
    return sorted(path.split(".")[1] for path in paths_in(node) if path.startswith("derived."))
