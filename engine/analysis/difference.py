"""What two policies decide differently: each pair of gates between which facts change, with the least such facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..decision import Decision
from ..policy import Policy
from ..rulefile.document import Gate
from .cases.questions import LOOSE, NOT_FOLLOWED
from .cases.space import Space
from .gate_cases import side_by_side
from .substance import alike
from .witness import Witness, least, witness

_RANK = {"block": 0, "warn": 1, "allow": 2}
Outcome = tuple[str, str, str | None, int | None]  # decision, backend, error, http


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change: facts that gate `old` decided are decided by gate `new`, and with another outcome.

    witness: the fewest facts that show it, or None where none were found: then it is only possible in the abstraction.
    """

    old: Gate
    new: Gate
    witness: Witness | None

    @property
    def before(self) -> Outcome:
        return outcome(self.old)

    @property
    def after(self) -> Outcome:
        return outcome(self.new)

    @property
    def direction(self) -> str:
        return direction(self.before, self.after)


class Evidence(NamedTuple):
    """Real facts, which old and new policy decide otherwise. They count whatever was proved."""

    before: Outcome
    after: Outcome
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """All kinds of change from one policy to another. doubts: by fact, why more may be possible here than is.

    recorded: facts of a recording, or of a cached model, that are decided otherwise.
    """

    old: Policy
    new: Policy
    changes: tuple[Change, ...]
    doubts: Mapping[str, tuple[str, ...]]
    recorded: tuple[Evidence, ...] = ()

    def with_evidence(self, recorded: Iterable[Evidence]) -> Difference:
        """Return the same, beside what real facts show."""
        return replace(self, recorded=(*self.recorded, *recorded))

    @property
    def same(self) -> bool:
        return not self.changes and not self.recorded

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What real facts show: the witnesses of the changes, and those recorded."""
        shown = (Evidence(one.before, one.after, one.witness.facts) for one in self.changes if one.witness is not None)
        return (*shown, *self.recorded)

    @property
    def complete(self) -> bool:
        """Whether no kind of change can be missing among `changes` and `recorded`."""
        return complete(self.doubts, {(change.before, change.after) for change in self.changes}, self.recorded)

    @property
    def exact(self) -> bool:
        """Whether `same`, or the list of changes, is proved.

        Nothing can be missing; and of changes each has its facts, and every condition is of a form that is followed.
        """
        shown = followed(self.doubts) and all(change.witness is not None for change in self.changes)
        return self.complete and (not self.changes or shown)

    @property
    def direction(self) -> str:
        """same, more permissive, less permissive, both, or other (blocked or allowed alike, but not the same)."""
        return together([*((change.before, change.after) for change in self.changes), *(e[:2] for e in self.recorded)])


def complete(
    doubts: Mapping[str, tuple[str, ...]], proved: Collection[tuple[Outcome, Outcome]], recorded: Iterable[Evidence]
) -> bool:
    """Return whether no kind of change can be missing among those that are `proved` possible and those recorded."""
    # Of what cannot be evaluated nothing is proved: there both policies block.
    contrary = [
        one
        for one in recorded
        if "policy_error" not in (one.before[2], one.after[2]) and (one.before, one.after) not in proved
    ]
    return not _reasons(doubts) - LOOSE and not contrary


def followed(doubts: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether every condition is of a form that is followed."""
    return not _reasons(doubts) & NOT_FOLLOWED


def _reasons(doubts: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {reason for reasons in doubts.values() for reason in reasons}


def together(outcomes: Iterable[tuple[Outcome, Outcome]]) -> str:
    """Return the direction of several changes together: same, more permissive, less permissive, both, or other."""
    found = {direction(*change) for change in outcomes}
    if {"more permissive", "less permissive"} <= found:
        return "both"
    return next((one for one in ("more permissive", "less permissive", "other") if one in found), "same")


def outcome(decided: Gate | Decision) -> Outcome:
    """Return what counts of a decision: everything but the gate's name and the message."""
    if isinstance(decided, Gate):
        return decided.decide, decided.backend, decided.error, decided.http
    return decided.decision, decided.backend, decided.error_type, decided.http_status


def direction(before: Outcome, after: Outcome) -> str:
    """Return whether an outcome is more permissive than another, less, other, or the same."""
    if before == after:
        return "same"
    one, other = _RANK[before[0]], _RANK[after[0]]
    return "more permissive" if other > one else "less permissive" if other < one else "other"


def difference(
    old: Policy,
    new: Policy,
    progress: Callable[[str], None] = lambda _: None,
    told: Callable[[Gate], Any] = outcome,
) -> Difference:
    """Compare two policies over all facts. progress: is told what is being done. told: what counts of a decision.

    Raises UsageError where that takes a solver and there is none.
    """
    if alike(old.document, new.document):
        return Difference(old, new, (), {})
    space, first, second, real = side_by_side(old, new)
    cases = space.cases
    changes: list[Change] = []
    for one, fires in zip(old.document.gates, first.fires, strict=True):
        agreeing = [
            then for other, then in zip(new.document.gates, second.fires, strict=True) if told(one) == told(other)
        ]
        region = [fires, real, *map(cases.negated, agreeing)]
        while (case := cases.possible(*region)) is not None:  # a case of no facts is one, too
            progress(f"comparing all pairs of gates: {len(changes)} that differ, at `{one.id}`")
            position = next(n for n, when in enumerate(second.whens) if cases.holds(when, case))
            asked = (fires, second.fires[position], real)
            changes.append(_change(old, new, one, new.document.gates[position], space, least(space, case, *asked)))
            region.append(cases.negated(second.fires[position]))
    order = {gate.id: n for n, gate in enumerate(new.document.gates)}
    before = {gate.id: n for n, gate in enumerate(old.document.gates)}
    changes.sort(key=lambda change: (before[change.old.id], order[change.new.id]))
    return Difference(old, new, tuple(changes), space.all_doubts())


def _change(old: Policy, new: Policy, one: Gate, other: Gate, space: Space, fixed: Mapping[int, int]) -> Change:
    def shows(facts: Mapping[str, Any]) -> bool:
        before, after = old.decide(facts), new.decide(facts)
        if "policy_error" in (before.error_type, after.error_type):
            return False
        return before.gate == one.id and after.gate == other.id

    return Change(one, other, witness(space, fixed, shows))
