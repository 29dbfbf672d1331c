"""What is wrong with a policy that no single line shows: gates that never fire, entries that decide nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from ..facts.types import BOOLEAN
from ..policy import Policy
from ..rulefile.checked import check
from ..rulefile.document import Derivation, Place, StringSet
from .cases.space import Space
from .difference import difference
from .finding import Finding, explained, unmatched
from .formulas.formula import Conditions, Formula
from .formulas.new_nodes import path_node
from .gate_cases import Symbolic
from .outputs import SHOWN, decided_by, names_in, read_by, told_by, words_of


def findings(policy: Policy) -> list[Finding]:
    """Return everything found, in the file's order. Raises UsageError where there is no solver."""
    found = list(_Analysis(policy).all())
    found += unmatched(policy.document, found)
    return sorted(found, key=lambda f: (f.note, f.problem.file, f.problem.line, f.problem.column, f.problem.code))


class _Analysis:
    def __init__(self, policy: Policy) -> None:
        self.policy, self.document = policy, policy.document
        self.conditions = Conditions(policy)
        self.gates = self.conditions.gates()
        self.guards = {part.name: self.conditions.guards(part.name) for part in self.document.derive}
        self.shown = [formula for name in SHOWN if name in self.guards for formula in self._shown(name)]
        self.others = dict(self._others())
        parts: list[Formula] = [*self.gates, *self.shown, *(g for guards in self.guards.values() for g in guards)]
        branches = (branch for part in self.document.derive for branch in part.branches)
        parts += [self.conditions.condition(branch.when) for branch in branches if branch.when is not None]
        self.space = Space(
            [*parts, *(f for others in self.others.values() for gates in others for f in gates)], ghosts=True
        )
        self.cases = self.space.cases
        self.symbolic = Symbolic(self.space, self.gates)

    def all(self) -> Iterator[Finding]:
        yield from self.silent_gates()
        yield from self.branches()
        yield from self.derived()
        yield from self.limits()
        yield from self.sets()
        yield from self.order()

    # --- gates

    def silent_gates(self) -> Iterator[Finding]:
        for position, gate in enumerate(self.document.gates):
            when = self.symbolic.whens[position]
            if self._may(self.symbolic.fires[position]):
                continue
            hiding: list[int] = []
            if not self._may(when):
                message, help = (
                    f"the gate `{gate.id}` never fires: its condition holds for no facts",
                    "mend it, or delete it",
                )
            else:
                hiding = self._hiding(position, when)
                names = ", ".join(f"`{self.document.gates[other].id}`" for other in hiding)
                decide = "decide" if len(hiding) > 1 else "decides"
                message = f"the gate `{gate.id}` never fires: {names} before it {decide} all that it would"
                help = "put it before them, or delete it"
            if gate.when is None:  # the last, which must stand there
                last = self.document.gates[position - 1].id
                help = f"delete it, and let `{last}` be the last: `otherwise: true` in place of its `when`"
            asked = (self.gates[other] for other in (*hiding, position))
            yield self._finding(gate.place, "gate-never-fires", message, help, *asked)

    def _hiding(self, position: int, when: int) -> list[int]:
        """Return the gates before the one at `position` that together decide all of its condition; each is needed."""
        whens, negated = self.symbolic.whens, self.cases.negated
        hiding = [other for other in range(position) if self._may(when, self.symbolic.fires[other])]
        for other in list(hiding):
            if not self._may(when, *(negated(whens[kept]) for kept in hiding if kept != other)):
                hiding.remove(other)
        return hiding

    def order(self) -> Iterator[Finding]:
        gates = self.document.gates
        for position, (one, other) in enumerate(pairwise(gates[:-1])):
            first, second = self.symbolic.whens[position], self.symbolic.whens[position + 1]
            apart = not self._may(self.symbolic.reached[position], first, second)
            if apart or words_of(one) == words_of(other):
                anyway = apart and not self._may(first, second)
                asked = () if not apart else self.gates[position if anyway else 0 : position + 2]
                why = "never both hold" if apart else "decide and say the same"
                message = f"the gates `{one.id}` and `{other.id}` {why}: their order changes nothing"
                yield self._finding(other.place, "order-free", message, "", *asked, note=True)

    # --- derived facts, limits, sets

    def branches(self) -> Iterator[Finding]:
        for derivation in self.document.derive:
            for number, (branch, guard) in enumerate(
                zip(derivation.branches, self.guards[derivation.name], strict=True)
            ):
                function = self.space.diagram(guard)
                if branch.when is None or self._may(function):
                    continue  # a last `otherwise` must stand, reached or not
                held = self._may(self.space.diagram(self.conditions.condition(branch.when)))
                why = "its condition holds for no facts" if not held else "branches above it match before"
                message = f"branch {number + 1} of `{derivation.name}` is never reached: {why}"
                yield self._finding(branch.place, "dead-branch", message, "mend it, or delete it", guard)

    def derived(self) -> Iterator[Finding]:
        read = read_by(self.document, "derived")
        for derivation in self.document.derive:
            name = derivation.name
            if name not in read:
                message = f"no gate, no message and no shown fact reads `derived.{name}`"
                yield self._finding(derivation.place, "dead-derived", message, "delete it")
            elif name in self.others and not any(map(self._changes, self.others[name])):
                message = f"no decision changes, whatever `derived.{name}` is"
                asked = [*self.gates, *(formula for gates in self.others[name] for formula in gates)]
                yield self._finding(derivation.place, "dead-derived", message, "delete it, or what reads it", *asked)

    def limits(self) -> Iterator[Finding]:
        read, told = read_by(self.document, "limits"), told_by(self.document, "limits")
        for limit in self.document.limits:
            if limit.name in told:
                continue
            if limit.name not in read:
                yield self._finding(limit.place, "dead-limit", f"nothing reads `limits.{limit.name}`", "delete it")
            elif not any(map(self._changes, self.others[f"limits.{limit.name}"])):
                message = f"no decision changes, whatever `limits.{limit.name}` is"
                others = (formula for gates in self.others[f"limits.{limit.name}"] for formula in gates)
                help = "delete it, or what reads it"
                yield self._finding(limit.place, "dead-limit", message, help, *self.gates, *others)

    def sets(self) -> Iterator[Finding]:
        read, told = read_by(self.document, "sets"), told_by(self.document, "sets")
        shown = [self.space.diagram(formula) for formula in self.shown]
        known: dict[tuple[tuple[int, int, int], ...], bool] = {}
        for part in self.document.sets:
            if part.name not in read:
                yield self._finding(part.place, "dead-set", f"nothing reads `sets.{part.name}`", "delete it")
                continue
            for entry in part.add if part.name not in told else ():
                if part.name in self.space.parted:
                    dead = any(other != entry and other in entry for other in part.add)
                elif {part.name, ""} & (self.space.unghosted | self.conditions.taken):
                    dead = self._same_without(part, entry)
                else:
                    ghosts = self.space.ghosts.get((part.name, entry), [])
                    key = tuple(sorted((ghost.variable, ghost.value, ghost.other) for ghost in ghosts))
                    dead = known[key] = known[key] if key in known else self._dead(key, shown)
                if dead:
                    message = f"`{entry}` in `{part.name}` changes nothing: without it all is decided alike"
                    place = dict(part.entries)[entry]
                    found = self._finding(place, "dead-entry", message, "delete it", *self.gates, *self.shown)
                    yield found if found.accepted else explained(found, part.place)

    def _differing(self, fixed: tuple[dict[int, int], dict[int, int]], shown: list[int]) -> int:
        """Return where some decision, or shown fact, is another with the second values in place of the first."""
        functions = [*self._outcomes(self.symbolic), *shown]
        return self._unlike(*([self.cases.given(function, values) for function in functions] for values in fixed))

    def _unlike(self, some: Iterable[int], others: Iterable[int]) -> int:
        """Return where one of some conditions holds and the one beside it does not, or the other way round."""
        unlike = 0
        for one, other in zip(some, others, strict=True):
            if one != other:
                unlike = self.cases.either(unlike, self.cases.negated(self.cases.same(one, other)))
        return unlike

    def _dead(self, ghosts: tuple[tuple[int, int, int], ...], shown: list[int]) -> bool:
        """Whether an entry changes nothing: for no facts a decision, or a shown fact, is another without it."""
        for fixed in _replaced(ghosts):
            differing = self._differing(fixed, shown)
            laws = [self.cases.given(self.space.laws, values) for values in fixed]
            if differing and self.cases.possible(differing, *laws) is not None:
                return False
        return True

    def _outcomes(self, symbolic: Symbolic) -> list[int]:
        """Return for each outcome, and the words with it, where a gate decides so."""
        by_outcome: dict[Any, int] = {}
        for gate, fires in zip(self.document.gates, symbolic.fires, strict=True):
            said = words_of(gate)
            by_outcome[said] = self.cases.either(by_outcome.get(said, 0), fires)
        return list(by_outcome.values())

    def _same_without(self, part: StringSet, entry: str) -> bool:
        less = StringSet(part.name, tuple(word for word in part.add if word != entry), part.place)
        sets = tuple(less if other is part else other for other in self.document.sets)
        without = Policy(check(self.document.changed(sets=sets)))
        return difference(self.policy, without, told=words_of).same

    # --- helpers

    def _shown(self, name: str) -> Iterator[Formula]:
        """Yield conditions that together tell the value of a derived fact."""
        derivation = self._derivation(name)
        if self.policy.derived_types.get(name) == BOOLEAN:
            yield self.conditions.of(path_node(f"derived.{name}"))
            return
        yield from self.guards[name]
        for branch in derivation.branches:
            for other in sorted(names_in([branch.compute], "derived")):
                if other in self.guards and other not in SHOWN:
                    yield from self._shown(other)

    def _others(self) -> Iterator[tuple[str, list[list[Formula]]]]:
        """Yield for derived facts and limits the gates' conditions, were they something else."""
        for name in sorted(self._only_decides()):
            others = [Conditions(self.policy, {name: value}, None, self.conditions) for value in self._possible(name)]
            yield name, [other.gates() for other in others]
        for limit in self.document.limits:
            ends = [-1e15, 1e15, limit.value + 1, limit.value - 1]
            others = [Conditions(self.policy, None, {limit.name: end}, self.conditions) for end in ends]
            yield f"limits.{limit.name}", [other.gates() for other in others]

    def _possible(self, name: str) -> list[Any]:
        if self.policy.derived_types.get(name) == BOOLEAN:
            return [True, False]
        branches = self._derivation(name).branches
        return [] if any(b.compute for b in branches) else [branch.value for branch in branches]

    def _only_decides(self) -> set[str]:
        """The derived facts that nothing but gates reads: of those that are shown, a message says, all counts."""
        others = read_by(self.document, "derived", conditions=False)
        decided = decided_by(self.document) & self.guards.keys()
        return {name for name in decided - others if self._possible(name)}

    def _changes(self, gates: list[Formula]) -> bool:
        return self._may(self._unlike(self._outcomes(self.symbolic), self._outcomes(Symbolic(self.space, gates))))

    def _may(self, *conditions: int) -> bool:
        """Whether the conditions hold together for some facts."""
        return self.cases.possible(self.space.real, *conditions) is not None

    def _derivation(self, name: str) -> Derivation:
        return next(part for part in self.document.derive if part.name == name)

    def _finding(
        self, place: Place, code: str, message: str, help: str, *asked: Formula, note: bool = False
    ) -> Finding:
        """Return a finding. asked: the conditions, as they are written, that it was found of."""
        return explained(Finding(place.problem(code, message, help), tuple(self.space.unsure(*asked)), note), place)


def _replaced(ghosts: tuple[tuple[int, int, int], ...]) -> Iterator[tuple[dict[int, int], dict[int, int]]]:
    """Yield what to fix with an entry and without: each fact alone, and one text in several facts at once."""
    first: dict[int, tuple[int, int]] = {}
    for variable, value, other in ghosts:
        yield {variable: value}, {variable: other}
        first.setdefault(variable, (value, other))
    if len(first) > 1:
        yield {v: value for v, (value, _) in first.items()}, {v: other for v, (_, other) in first.items()}
