"""What would have to change: the fewest changes of facts that lead to allow, each found by asking the policy.

Levers (rules/levers.yaml) are tried alone, and two together where none is enough alone. Nothing is reasoned about the
rules: the policy decides on the changed facts, so that what is offered holds for every policy, and what is not allowed
is never offered.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from ..compiler.reads import touches
from ..decision import Decision, Trace
from ..facts.wording import LIBRARIES
from .levers import Lever, Values, levers, value_at, with_values

if TYPE_CHECKING:
    from ..policy import Policy

MOST = 5  # that are offered
_LARGEST = 1 << 24  # of a number that is looked for downwards, where none is given


class Change(NamedTuple):
    """One fact with another value. Changes of one lever are one thing to do, and have its text."""

    fact: str
    before: Any
    after: Any
    text: str
    lever: str
    kind: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "fact": self.fact,
            "from": self.before,
            "to": self.after,
            "text": self.text,
            "lever": self.lever,
            "kind": self.kind,
        }


class Remedy(NamedTuple):
    """Changes that together lead to allow, and to the decision that they lead to. `kind`: that of the costlier one."""

    text: str
    kind: str
    changes: tuple[Change, ...]
    decision: Decision

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON data; `set` is what `--set` takes to see it."""
        return {
            "text": self.text,
            "kind": self.kind,
            "changes": [change.to_dict() for change in self.changes],
            "set": [assignment(change.fact, change.after) for change in self.changes],
            "decision": self.decision.to_dict(),
        }


class _Step(NamedTuple):
    """A lever pulled: the facts that it gives other values, and what is said of it."""

    lever: Lever
    values: Values
    text: str


def remedies(policy: "Policy", facts: Mapping[str, Any], trace: Trace) -> tuple[Remedy, ...]:
    """Return the smallest changes of `facts` that lead to allow, the ones within reach first; none where it is allowed.

    trace: the policy's explanation of the same facts. Where one change is enough, no two together are looked for.
    """
    if trace.decision.decision == "allow" or not trace.gates:
        return ()
    return _Search(policy, facts, trace).found()


def assignment(fact: str, value: Any) -> str:
    """Return the FACT=VALUE that gives a fact the value, as `--set` reads it."""
    import json

    from ..facts.vocabulary import vocabulary

    known = vocabulary().facts.get(fact)
    plain = isinstance(value, str) and known is not None and "string" in known.type.kinds
    return f"{fact}={value if plain else json.dumps(value)}"


class _Search:
    def __init__(self, policy: "Policy", facts: Mapping[str, Any], trace: Trace) -> None:
        self._policy, self._facts, self._trace = policy, facts, trace
        self._given = {"sets": policy.sets, "limits": policy.limits, "library": _libraries(policy, trace.facts)}
        self._reads = policy.reads
        self._levers = levers().levers
        self._known = {repr({}): trace.decision}  # decisions, by the values that facts were given

    def found(self) -> tuple[Remedy, ...]:
        singles = self._singles()
        found = [remedy for remedy in (self._remedy([step]) for step in singles) if remedy is not None]
        return tuple((found or self._pairs())[:MOST])

    def _singles(self) -> list[_Step]:
        found: dict[str, _Step] = {}
        for lever in sorted(self._levers, key=levers().rank):
            if lever.unless not in found and self._matters(lever, self._trace.decision):
                step = self._pulled(lever, {}, self._trace.decision)
                if step is not None:
                    found[lever.id] = step
        return list(found.values())

    def _pairs(self) -> list[Remedy]:
        alone = {lever.id: self._alone(lever) for lever in self._levers}
        # What is looked for is looked for last, with the other change made.
        usable = [lever for lever in self._levers if alone[lever.id]]
        usable.sort(key=lambda lever: lever.search is not None)
        found: dict[frozenset[str], Remedy] = {}
        for one, other in combinations(usable, 2):
            ids = frozenset((one.id, other.id))
            instead = {ids - {lever.id} | {lever.unless} for lever in (one, other) if lever.unless}
            if one.search or one.facts & other.facts or instead & found.keys():
                continue
            # Where one alone leads, the other must be able to lead on.
            if not any(self._matters(other, decision) for decision in alone[one.id]):
                continue
            if not any(self._matters(one, decision) for decision in alone[other.id]):
                continue
            steps = self._both(one, other) or (None if other.search else self._both(other, one))
            remedy = self._remedy(steps) if steps else None
            if remedy is not None:
                found[ids] = remedy
        rank = {lever.id: levers().rank(lever) for lever in usable}
        return [found[ids] for ids in sorted(found, key=lambda ids: sorted((rank[name] for name in ids), reverse=True))]

    def _both(self, one: Lever, other: Lever) -> list[_Step] | None:
        for first in self._changed(one, {}, self._trace.decision):
            second = self._pulled(other, first.values, self._decided(first.values))
            if second is not None:
                return [first, second]
        return None

    def _alone(self, lever: Lever) -> list[Decision]:
        """What is decided with this lever alone, for each value that it tries, or with the last it could find."""
        if lever.search is None:
            return [self._decided(step.values) for step in self._changed(lever, {}, None)]
        scope = self._scope({})
        bound = _bound(lever, scope)
        values = lever.changed(scope, bound) if bound is not None else None
        return [self._decided(values)] if values is not None else []

    def _matters(self, lever: Lever, decision: Decision) -> bool:
        """Whether the gate that decided reads any of the lever's facts, itself or through what is derived."""
        reads = self._reads.of(decision.gate)
        return any(touches(fact, path) for fact in lever.facts for path in reads)

    def _changed(self, lever: Lever, before: Values, decision: Decision | None) -> Iterator[_Step]:
        """The lever pulled, once for each value that it tries, on the facts with `before`, of which `decision` was."""
        if lever.asked and decision is not None:
            asks = self._reads.by_itself(decision.gate)
            if not any(touches(fact, path) for fact in lever.facts for path in asks):
                return
        scope = self._scope(before)
        for to in lever.tries:
            values = lever.changed(scope, to)
            if values is not None:
                yield _Step(lever, values, lever.said(scope, to))

    def _pulled(self, lever: Lever, before: Values, decision: Decision) -> _Step | None:
        """The first of them that leads to allow; of a number that is looked for, the one with the value found."""
        if lever.search is None:
            steps = self._changed(lever, before, decision)
            return next((step for step in steps if self._allows({**before, **step.values})), None)
        scope = self._scope(before)
        to = self._threshold(lever, scope, before)
        values = lever.changed(scope, to) if to is not None else None
        return _Step(lever, values, lever.said(scope, to)) if values is not None else None

    def _scope(self, before: Values) -> dict[str, Any]:
        return {**with_values(self._trace.facts, before), **self._given}

    def _threshold(self, lever: Lever, scope: Mapping[str, Any], before: Values) -> int | None:
        """The least change of a number that leads to allow, or None where no change as far as the bound does."""

        def allows(to: int) -> bool:
            values = lever.changed(scope, to)
            return values is not None and self._allows({**before, **values})

        name = lever.search or ""
        now, bound = value_at(scope, name), _bound(lever, scope)
        if bound is None or (now is not None and _whole(now) is None):
            return None
        good, bad = bound, _LARGEST if now is None and lever.step < 0 else _whole(now) or 0
        if (good - bad) * lever.step <= 0 or not allows(good):
            return None
        fact = self._policy.evaluation.vocabulary.facts.get(name)
        rounded = fact is not None and fact.unit == "bytes" and lever.step > 0
        while abs(good - bad) > 1:
            if rounded and _readable(bad + 1) == (said := _readable(good)) <= bound:
                if allows(said):
                    return said  # whichever of those between is the least, the same is said
                rounded = False
            middle = (good + bad) // 2
            good, bad = (middle, bad) if allows(middle) else (good, middle)
        if rounded:
            said = _readable(good)
            return said if said <= bound and allows(said) else good
        return good

    def _allows(self, values: Values) -> bool:
        return self._decided(values).decision == "allow"

    def _decided(self, values: Values) -> Decision:
        key = repr(values)
        if key not in self._known:
            self._known[key] = self._policy.decide_few(with_values(self._facts, values))
        return self._known[key]

    def _remedy(self, steps: list[_Step]) -> Remedy | None:
        """The steps together, where each of them is needed, and of a number that was looked for the number itself."""
        together = {name: value for step in steps for name, value in step.values.items()}
        for step in steps:
            needed = {step.lever.search} if step.lever.search else step.values.keys()
            if self._allows({name: value for name, value in together.items() if name not in needed}):
                return None
        ordered = sorted(steps, key=lambda step: levers().rank(step.lever))
        changes = tuple(
            Change(name, value_at(self._trace.facts, name), value, step.text, step.lever.id, step.lever.kind)
            for step in ordered
            for name, value in step.values.items()
        )
        text = ", and ".join(step.text for step in ordered)
        return Remedy(text, ordered[-1].lever.kind, changes, self._decided(together))


def _libraries(policy: "Policy", facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the policy's audit part says of each library: the version checked with, and what it says of this type."""
    if policy.audit is None:
        return {}
    checked_with, sets = policy.audit
    kind = value_at(facts, "model.type")
    names = {kind, kind.lower()} if isinstance(kind, str) else set[str]()
    versions = dict(checked_with)
    found: dict[str, dict[str, Any]] = {
        package: {"version": versions[library]} for package, library in LIBRARIES.items() if library in versions
    }
    for name, fact in sets:
        _, library, part = fact.split(".")
        if library in found:
            found[library][part] = [entry for entry in policy.sets.get(name, ()) if entry in names]
    for lists in found.values():
        every = {entry for entries in lists.values() if isinstance(entries, list) for entry in entries}
        lists.setdefault("model_types", sorted(every))
    return found


def _bound(lever: Lever, scope: Mapping[str, Any]) -> int | None:
    return _whole(value_at(scope, lever.bound) if isinstance(lever.bound, str) else lever.bound)


def _whole(value: Any) -> int | None:
    # 1e9 is a number of bytes too.
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None


def _readable(size: int) -> int:
    """The next size above that is written with one digit after the point, so that what is said is what was tried."""
    from ..facts.assignments import size_in_bytes

    for letter in "TGMK":
        unit = size_in_bytes(f"1{letter}") or 1
        if size >= unit:
            tenths = -(-size * 10 // unit)
            # A tenth is no whole number of bytes, and is rounded when it is read: downwards too.
            found = [size_in_bytes(f"{(tenths + more) / 10:.1f}{letter}") or 0 for more in (0, 1)]
            return found[0] if found[0] >= size else found[1]
    return size
