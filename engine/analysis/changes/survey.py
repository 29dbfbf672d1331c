"""What changes from one policy to another, told by what was edited: seen at real facts, and asked of the solver.

Facts that show a change are looked for first, edit by edit. Then the solver is asked which kinds of change are possible
at all, and facts are looked for of those that were not seen. What remains is possible for all that is known, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ...policy import Policy
from ...problems import UsageError
from ..cases.ordinary_model import ordinary
from ..cases.solver import solver
from ..difference import Evidence, Outcome, complete, direction, followed, outcome, together
from ..gate_cases import Symbolic, side_by_side
from ..substance import alike
from ..witness import Witness, differing, fewest, least, witness
from .edits import Edit, edits
from .likely import Facts, likely, request_of
from .partial import with_edits

MAX_LOOKED_FOR = 12  # kinds of change that the solver names, and of which facts are looked for; seconds each
MAX_LOOKED_FOR_MORE = 4  # of them where some kinds were seen already
MAX_TRIED = 600  # facts of one kind
MAX_TOLD_APART = 12  # edits, up to which is found out which of them makes a change
MAX_SEEN = 60  # kinds of change that are seen, of which the fewest facts are found
Progress = Callable[[str], None]
_ORDER = ("less permissive", "other", "more permissive")


@dataclass(frozen=True, slots=True)
class Shown:
    """A kind of change, with facts that show it: what is asked for, what was decided, and what is now.

    old, new: the gates. edits: those that make the change, each by itself or all together; none where that is
    not known.
    """

    request: str
    before: Outcome
    after: Outcome
    old: str
    new: str
    witness: Witness
    edits: tuple[Edit, ...] = ()

    @property
    def direction(self) -> str:
        return direction(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Survey:
    """What changes between two policies.

    shown: kinds of change with facts, those that are seen at the most ordinary facts first. possible: kinds that the
    solver does not exclude, before and after, of which there are no facts. doubts: why more may be possible than is.
    solved: whether a solver was asked; without one nothing is known but what is shown. recorded: facts of a recording,
    or of a cached model, that are decided otherwise.
    """

    old: Policy
    new: Policy
    edits: tuple[Edit, ...]
    shown: tuple[Shown, ...]
    possible: tuple[tuple[Outcome, Outcome], ...]
    doubts: Mapping[str, tuple[str, ...]]
    solved: bool = True
    recorded: tuple[Evidence, ...] = ()

    def with_evidence(self, recorded: Iterable[Evidence]) -> Survey:
        """Return the same, beside what real facts show."""
        return replace(self, recorded=(*self.recorded, *recorded))

    @property
    def same(self) -> bool | None:
        """Whether all is decided alike: False where facts show that it is not, None where that is not known."""
        if self.shown or self.recorded:
            return False
        return True if self.solved and not self.possible else None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What real facts show."""
        return (*(Evidence(one.before, one.after, one.witness.facts) for one in self.shown), *self.recorded)

    @property
    def exact(self) -> bool:
        """Whether nothing can be missing from what is shown, and every condition is of a form that is followed."""
        proved = [(one.before, one.after) for one in self.shown]
        known = self.solved and not self.possible and (not self.shown or followed(self.doubts))
        return known and complete(self.doubts, proved, self.recorded)

    @property
    def direction(self) -> str:
        """same, more permissive, less permissive, both, or other, by what is shown."""
        return together(one[:2] for one in self.evidence)


def survey(old: Policy, new: Policy, known: Sequence[Facts] = (), progress: Progress = lambda _: None) -> Survey:
    """Compare two policies. known: facts of their cases, to be tried too. progress: is told what is being done."""
    done = edits(old.document, new.document)
    if alike(old.document, new.document):
        return Survey(old, new, done, (), (), {})
    progress("trying facts")
    shown = _seen(old, new, likely(old, new, done, known))
    possible: tuple[tuple[Outcome, Outcome], ...] = ()
    doubts: Mapping[str, tuple[str, ...]] = {}
    solved = True
    try:
        progress("asking the solver")
        seen = {(one.before, one.after) for one in shown}
        # What model types change is of many kinds, all alike, and none asks for more of the version than they do.
        types_alone = all(edit.kind.startswith("types-") for edit in done if edit.decides)
        most = MAX_LOOKED_FOR if not seen else 0 if types_alone else MAX_LOOKED_FOR_MORE
        more, possible, doubts = _solved(old, new, seen, most, progress)
        shown += more
    except UsageError as error:
        if error.code != "no-solver":
            raise
        solved = False
    shown.sort(key=_rank)
    progress("telling the edits apart")
    return Survey(old, new, done, tuple(_attributed(old, new, done, shown)), possible, doubts, solved)


def _rank(one: Shown) -> tuple[Any, ...]:
    values = one.witness.differing
    extra = [path for path in values if path != f"request.{one.request}"]
    return len(extra), ("text", "images", "audio").count(one.request) == 0, one.request != "text", len(repr(values))


def _seen(old: Policy, new: Policy, tried: Iterable[Facts]) -> list[Shown]:
    """Return one change of each kind that some of the facts show, with the fewest facts that do."""
    usual = ordinary()
    nearest: dict[tuple[str, Outcome, Outcome], tuple[int, Facts]] = {}
    for facts in tried:
        one, other = old.decide(facts), new.decide(facts)
        before, after = outcome(one), outcome(other)
        if before == after or "policy_error" in (one.error_type, other.error_type):
            continue
        kind = request_of(facts), before, after
        far = sum(1 for _ in differing(facts, usual))
        if kind not in nearest or far < nearest[kind][0]:
            nearest[kind] = far, facts
    ordered = sorted(nearest.items(), key=lambda item: item[1][0])[:MAX_SEEN]
    return [shown_by(old, new, facts) for _, (_, facts) in ordered]


def shown_by(old: Policy, new: Policy, facts: Facts) -> Shown:
    """Return the change that facts show, with no more of them than it takes."""
    kind = _kind(old, new, facts)
    found = fewest(facts, lambda tried: _kind(old, new, tried) == kind)
    one, other = old.decide(found.facts), new.decide(found.facts)
    return Shown(request_of(found.facts), kind[1], kind[2], str(one.gate), str(other.gate), found)


def _kind(old: Policy, new: Policy, facts: Mapping[str, Any]) -> tuple[str, Outcome, Outcome]:
    return request_of(facts), outcome(old.decide(facts)), outcome(new.decide(facts))


def _solved(
    old: Policy, new: Policy, seen: set[tuple[Outcome, Outcome]], most: int, progress: Progress
) -> tuple[list[Shown], tuple[tuple[Outcome, Outcome], ...], dict[str, tuple[str, ...]]]:
    """Return changes of kinds that were not seen, kinds of which no facts are known, and doubts.

    most: of how many kinds facts are looked for.
    """
    solver()  # told before the conditions are taken apart, which takes seconds
    space, first, second, real = side_by_side(old, new)
    regions = _outcomes(old, first), _outcomes(new, second)
    asked = {
        (before, after): (fires, then, real)
        for before, fires in regions[0].items()
        for after, then in regions[1].items()
        if before != after and (before, after) not in seen
    }
    waiting = sorted(asked, key=lambda kind: (kind[0][0] == "block", _ORDER.index(direction(*kind))))
    shown: list[Shown] = []
    possible: list[tuple[Outcome, Outcome]] = []
    looked = 0
    for number, kind in enumerate(waiting):
        if looked >= most:
            if space.cases.may(*asked[kind]):
                possible.append(kind)
            continue
        case = space.cases.possible(*asked[kind])
        if case is None:
            continue
        found = None
        looked += 1
        progress(f"looking for facts, {number} of {len(waiting)} kinds of change asked")
        with suppress(_EnoughError):
            found = witness(space, least(space, case, *asked[kind]), _shows(old, new, kind))
        if found is None:
            possible.append(kind)
        else:
            shown.append(shown_by(old, new, found.facts))
    return shown, tuple(possible), space.all_doubts()


class _EnoughError(Exception):
    """So many facts were tried that none is to be expected any more."""


def _shows(old: Policy, new: Policy, kind: tuple[Outcome, Outcome]) -> Callable[[Mapping[str, Any]], bool]:
    tried = 0

    def holds(facts: Mapping[str, Any]) -> bool:
        nonlocal tried
        tried += 1
        if tried > MAX_TRIED:
            raise _EnoughError
        one, other = old.decide(facts), new.decide(facts)
        return "policy_error" not in (one.error_type, other.error_type) and (outcome(one), outcome(other)) == kind

    return holds


def _outcomes(policy: Policy, symbolic: Symbolic) -> dict[Outcome, int]:
    """Return for each outcome of a policy when it is decided."""
    cases, found = symbolic.space.cases, dict[Outcome, int]()
    for gate, fires in zip(policy.document.gates, symbolic.fires, strict=True):
        one = outcome(gate)
        found[one] = cases.either(found[one], fires) if one in found else fires
    return found


def _attributed(old: Policy, new: Policy, done: Sequence[Edit], shown: Iterable[Shown]) -> Iterable[Shown]:
    """Yield the changes with the edits that make them."""
    deciding = [edit for edit in done if edit.decides]
    if len(deciding) == 1:
        yield from (replace(one, edits=(deciding[0],)) for one in shown)
        return
    if len(deciding) > MAX_TOLD_APART:
        yield from shown
        return
    alone = [with_edits(old.document, new.document, [edit]) for edit in deciding]
    without = [with_edits(old.document, new.document, [e for e in deciding if e is not edit]) for edit in deciding]
    for one in shown:
        facts = one.witness.facts
        makes = [e for e, p in zip(deciding, alone, strict=True) if p and outcome(p.decide(facts)) == one.after]
        needed = [e for e, p in zip(deciding, without, strict=True) if p and outcome(p.decide(facts)) != one.after]
        yield replace(one, edits=tuple(makes or needed))
