"""Why a condition held or not: the fewest of its terms that made it so, with the values they had."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..decision import GateResult, Term, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..compiler.condition_terms import Condition
    from ..compiler.program import GateRule
    from ..decision import Decision
    from .exact import Evaluation, Scope

MAX_DEPTH = 4  # of derived facts explained by derived facts
MAX_ITEMS = 12  # of a list or object that a term quotes
_OWN = frozenset({"sets", "limits", "derived"})


def trace(evaluation: Evaluation, facts: Any, every: bool = False, terms: bool = True) -> Trace:
    """Return the decision for `facts` with every gate tried, and the terms that made it fire or not.

    every: the gates behind the one that decided are tried too. terms: False leaves them out.
    """
    if refusal := evaluation.refusal(facts):
        return Trace(refusal, {}, {}, ())
    scope, faults = evaluation.scope(facts)
    given = facts.get("derived")
    justifier = _Justifier(evaluation, scope, given if isinstance(given, dict) else ())

    def result(gate: GateRule) -> GateResult:
        fired, error = evaluation.tried(gate, scope, faults)
        made = justifier.terms(gate.when, fired) if terms and not error else ()
        message = evaluation.decision(gate, scope, error).message if fired else None
        return GateResult(gate.id, fired, gate.file, gate.line, made, error or None, gate.about, gate.decide, message)

    program = evaluation.program
    tried: list[GateResult] = []
    for number, gate in enumerate(program.gates):
        tried.append(result(gate))
        if tried[-1].fired:
            plain = {name: value for name, value in scope.items() if name not in _OWN}
            decision = evaluation.decision(gate, scope, tried[-1].error or "")
            return Trace(
                decision,
                plain,
                dict(scope["derived"]),
                tuple(tried),
                _warnings(evaluation, scope, faults, len(tried), decision),
                observed=tuple(result(other) for other in program.observed if other.before <= number),
                behind=tuple(map(result, program.gates[number + 1 :])) if every else (),
            )
    raise AssertionError("the last gate always fires")


def _warnings(
    evaluation: Evaluation, scope: Scope, faults: dict[str, str], number: int, decision: Decision
) -> tuple[Decision, ...]:
    """Return the decision, if it warns, and what gates behind it warn of: of the same backend, until one allows it."""
    if decision.decision != "warn":
        return ()
    found = {decision.message: decision}
    for gate in evaluation.program.gates[number:]:
        if gate.decide == "block" or gate.backend != decision.backend:
            continue
        fired, error = evaluation.tried(gate, scope, faults)
        if fired and gate.decide == "allow":
            break
        if fired and not error:
            other = evaluation.decision(gate, scope, error)
            found.setdefault(other.message, other)
    return tuple(found.values())


class _Justifier:
    """Explains conditions of one program over one scope."""

    def __init__(self, evaluation: Evaluation, scope: Scope, given: Iterable[str]) -> None:
        """given: the derived facts that the caller set, so that no branch explains them."""
        self._evaluation, self._scope = evaluation, scope
        self._derived: dict[str, tuple[str, tuple[Term, ...]]] = dict.fromkeys(given, ("as given", ()))

    def terms(self, condition: int | None, holds: bool, depth: int = 0) -> tuple[Term, ...]:
        """Return the terms that make the condition hold, or not hold."""
        if condition is None:
            return ()
        return tuple(self._justify(self._evaluation.condition(condition), holds, depth))

    def _justify(self, condition: Condition, holds: bool, depth: int) -> list[Term]:
        kind, _, _, _, parts = condition
        if kind == "not":
            return self._justify(parts[0], not holds, depth)
        if kind:
            if (kind == "and") == holds:
                return [term for part in parts for term in self._justify(part, holds, depth)]
            for part in parts:
                if self._value(part) is holds:
                    return self._justify(part, holds, depth)
        return [self._leaf(condition, depth)]

    def _value(self, condition: Condition) -> Any:
        return self._evaluation.functions[condition[2]](self._scope)

    def _leaf(self, condition: Condition, depth: int) -> Term:
        _, text, _, paths, _ = condition
        facts = {path: shortened(_value_at(self._scope, path)) for path in paths}
        why, because = "", ()
        names = list(dict.fromkeys(path.split(".")[1] for path in paths if path.startswith("derived.")))
        if names and depth < MAX_DEPTH:
            explained = [self._explained(name, depth) for name in names]
            why = "; ".join(why for why, _ in explained if why)
            because = tuple(term for _, terms in explained for term in terms)
        return Term(text, shortened(self._value(condition)), facts, why, because)

    def _explained(self, name: str, depth: int) -> tuple[str, tuple[Term, ...]]:
        if name in self._derived:
            return self._derived[name]
        number = self._evaluation.branch_of(name, self._scope) if name in self._evaluation.program.derive else None
        if number is None:
            return "", ()
        branches = self._evaluation.program.derive[name]
        branch = branches[number]
        own: list[Term] = []
        if branch.compute is not None:
            condition = self._evaluation.condition(branch.compute)
            value = _value_at(self._scope, f"derived.{name}")
            if isinstance(value, bool):
                own = self._justify(condition, value, depth + 1)
            else:
                own = [self._leaf(condition, depth + 1)]
        if branch.when is not None:
            terms = [*self.terms(branch.when, True, depth + 1), *own]
        else:
            before = [term for other in branches[:number] for term in self.terms(other.when, False, depth + 1)]
            terms = [*before, *own]
        found = (branch.why, tuple({(term.text, repr(term.facts)): term for term in terms}.values()))
        self._derived[name] = found
        return found


def _value_at(scope: Scope, path: str) -> Any:
    value: Any = scope
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def length_of(value: list[Any] | dict[str, Any]) -> int:
    """Return how many elements or keys there were, of a value that was shortened too."""
    last = value[-1] if isinstance(value, list) and value else value.get("...") if isinstance(value, dict) else None
    whole = re.fullmatch(_CUT, last) if isinstance(last, str) else None
    return int(whole[1]) if whole else len(value)


_CUT = r"(?:\.\.\. \()?(\d+) (?:in all\)|keys in all)"


def shortened(value: Any) -> Any:
    """Return `value` short enough to be quoted: long lists, objects and strings are cut, and say so."""
    if isinstance(value, str) and len(value) > 200:
        return f"{value[:200]}... ({len(value)} characters)"
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        return [*map(shortened, value[:MAX_ITEMS]), f"... ({len(value)} in all)"]
    if isinstance(value, dict):
        kept = {key: shortened(inner) for key, inner in list(value.items())[:MAX_ITEMS]}
        return kept if len(value) <= MAX_ITEMS else {**kept, "...": f"{len(value)} keys in all"}
    return [shortened(inner) for inner in value] if isinstance(value, list) else value
