"""Evaluates a program over facts, rule by rule: the exact way, which says of everything that is wrong where it is.

What decides fast (evaluator.compiled) hands over to this whenever facts are not as they should be.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..compiler.program_functions import functions_of
from ..decision import Decision, PolicyName
from ..facts.types import kind_of
from ..facts.vocabulary import Vocabulary
from ..problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..compiler.condition_terms import Condition
    from ..compiler.program import Branches, GateRule, Program
    from ..compiler.program_functions import Function
    from ..compiler.reads import Reads

    Scope = dict[str, Any]
    Faults = dict[str, str]


class Evaluation:
    """One program, ready to run. Nothing here raises because of what the facts hold."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.policy = PolicyName(name=program.name, version=program.version)
        self._run = functions_of(program, [expression.function for expression in program.expressions])
        self.vocabulary = Vocabulary({fact.name: fact for fact in program.facts})
        self._conditions: dict[int, Condition] = {}  # by their expressions

    @cached_property
    def functions(self) -> list[Function]:
        """All functions by their number, those too of parts of conditions, which are asked where one is explained."""
        return functions_of(self.program, range(len(self.program.functions)))

    def condition(self, expression: int) -> Condition:
        """Return what an expression is made of."""
        if expression not in self._conditions:
            from ..compiler.condition_terms import condition_of  # where one is explained

            self._conditions[expression] = condition_of(self.program, expression)
        return self._conditions[expression]

    def decide(self, facts: Any) -> Decision:
        """Return the decision for `facts`."""
        if refusal := self.refusal(facts):
            return refusal
        scope, faults = self.scope(facts)
        gate, error = self._first_firing(self.program.gates, scope, faults)
        return self.decision(gate, scope, error)

    def varied(self, facts: dict[str, Any], fact: str, reads: Reads) -> Callable[[Any], tuple[str, str]]:
        """Return what tells the decision of `facts` with another value of one fact, as allow, warn or block and a gate.

        The value is of the same type as the one that is there. What does not rest on the fact is evaluated once. reads:
        what the program's gates read.
        """
        scope, faults = self.scope(facts)
        section, _, name = fact.rpartition(".")
        given: Any = facts.get("derived")
        paths = reads.resting_on(fact)
        resting = {
            name: branches
            for name, branches in self.program.derive.items()
            if f"derived.{name}" in paths and not (isinstance(given, dict) and name in given)
        }
        again = {f"derived.{name}" for name in resting}
        known = {path: fault for path, fault in faults.items() if path not in again}
        gates: list[GateRule] = []
        for gate in self.program.gates:
            if not paths.isdisjoint(reads.by_itself(gate.id)):
                gates.append(gate)
            elif self.tried(gate, scope, faults)[0]:
                gates.append(gate)
                break

        def decide(value: Any) -> tuple[str, str]:
            varied = {**scope, section: {**scope[section], name: value}, "derived": dict(scope["derived"])}
            wrong = dict(known)
            self._derive(resting, varied, wrong)
            gate, error = self._first_firing(gates, varied, wrong)
            return ("block" if error else gate.decide), gate.id

        return decide

    def _first_firing(self, gates: Iterable[GateRule], scope: Scope, faults: Faults) -> tuple[GateRule, str]:
        """Return the gate that decides, and why it cannot be evaluated, or ""."""
        for gate in gates:
            fired, error = self.tried(gate, scope, faults)
            if fired:
                return gate, error
        raise AssertionError("the last gate always fires")

    def refusal(self, facts: Any) -> Decision | None:
        """Return the decision where the facts are no object."""
        if isinstance(facts, dict):
            return None
        from collections.abc import Mapping  # hardly ever asked

        if isinstance(facts, Mapping):
            return None
        message = f"the facts are of the kind {kind_of(facts)}, an object is wanted"
        return Decision("block", "unsupported", None, "policy_error", 500, message, self.policy)

    def tried(self, gate: GateRule, scope: Scope, faults: Faults) -> tuple[bool, str]:
        """Return whether a gate fires, and why it cannot be evaluated, or ""; one that cannot fires."""
        error = self._fault_of(gate.when, faults) if faults else ""
        fired, error = (True, error) if error else self.holds(gate.when, scope)
        return fired or bool(error), error

    def holds(self, when: int | None, scope: Scope) -> tuple[bool, str]:
        """Return whether the condition `when` holds, and why it cannot be evaluated, or ""."""
        if when is None:
            return True, ""
        try:
            value = self.value(when, scope)
        except Exception as error:
            return False, _reason(error)
        return (value, "") if isinstance(value, bool) else (False, _not_boolean(value))

    def value(self, expression: int, scope: Scope) -> Any:
        """Return an expression's value; raises what it raises."""
        return self._run[expression](scope)

    def branch_of(self, name: str, scope: Scope) -> int | None:
        """Return which branch of the derived fact `name` gives its value in `scope`, or None where none of them did."""
        for number, branch in enumerate(self.program.derive[name]):
            holds, error = self.holds(branch.when, scope)
            if error:
                return None
            if holds:
                return number
        return None

    # --- facts, and what is wrong with them

    def scope(self, given: Mapping[str, Any]) -> tuple[Scope, Faults]:
        """Return what expressions are evaluated over, and the faults by the name of the fact."""
        facts, faults = self.vocabulary.complete(given)
        overrides = facts.pop("derived", None)
        scope: Scope = {**facts, "sets": self.program.sets, "limits": self.program.limits, "derived": {}}
        self._check_overrides(overrides, faults)
        self._derive(self.program.derive, scope, faults, overrides if isinstance(overrides, dict) else None)
        return scope, faults

    def _derive(
        self, rules: Mapping[str, Branches], scope: Scope, faults: Faults, overrides: Mapping[str, Any] | None = None
    ) -> None:
        """Derive facts in order, into `scope` and `faults`."""
        derived: dict[str, Any] = scope["derived"]
        for name, branches in rules.items():
            full = f"derived.{name}"
            if overrides and name in overrides and full not in faults:
                derived[name] = overrides[name]
                continue
            if faults and full not in faults and (fault := self._fault_in(branches, faults)):
                faults[full] = fault
            derived[name] = None
            if full in faults:
                continue
            try:
                derived[name] = self._first(branches, scope)
            except Exception as error:
                faults[full] = f"cannot be derived: {_reason(error)}"

    def _first(self, branches: Branches, scope: Scope) -> Any:
        run = self._run
        for when, value, compute, _ in branches:
            if when is not None:
                try:
                    holds = run[when](scope)
                except Exception as error:
                    raise ValueError(_reason(error)) from None
                if holds is False:
                    continue
                if holds is not True:
                    raise ValueError(_not_boolean(holds))
            found = value if compute is None else run[compute](scope)
            if isinstance(found, float) and found - found != 0:
                raise ValueError("it is not a finite number")
            return found
        raise ValueError("no branch matches")

    def _check_overrides(self, overrides: Any, faults: Faults) -> None:
        if overrides is None:
            return
        if not isinstance(overrides, dict):
            faults["derived"] = "is not an object"
            return
        types = self.program.types
        for name, value in overrides.items():
            wanted = types.get(name)
            if wanted is None:
                help = did_you_mean(str(name), types)
                faults["derived"] = (
                    f"has `{str(name)[:60]}`, which the policy does not derive{'; ' + help if help else ''}"
                )
            elif kind_of(value) not in wanted.kinds:
                faults[f"derived.{name}"] = f"is {kind_of(value)}, {wanted} is wanted"
            elif isinstance(value, str) and wanted.values is not None and value not in wanted.values:
                faults[f"derived.{name}"] = f"is `{value[:60]}`, one of {', '.join(sorted(wanted.values))} is wanted"

    def _fault_in(self, branches: Branches, faults: Faults) -> str:
        for branch in branches:
            for part in (branch.when, branch.compute):
                if fault := self._fault_of(part, faults):
                    return fault
        return ""

    def _fault_of(self, expression: int | None, faults: Faults) -> str:
        """Return the first fault among the facts that an expression reads, or ""."""
        if "derived" in faults:
            return f"`derived` {faults['derived']}"
        for path in self.program.expressions[expression].reads if expression is not None else ():
            for fact, fault in faults.items():
                if path == fact or path.startswith(f"{fact}.") or fact.startswith(f"{path}."):
                    return f"`{fact}` {fault}" if not fault.startswith("`") else fault
        return ""

    # --- the answer

    def decision(self, gate: GateRule, scope: Scope, error: str) -> Decision:
        """Return the decision of a gate that fired; `error`: why it cannot be evaluated, or ""."""
        if error:
            message = f"the gate `{gate.id}` cannot be evaluated: {error}"
            return Decision("block", "unsupported", gate.id, "policy_error", 500, message, self.policy)
        message = self._message(gate.message, scope) if gate.message is not None else None
        return Decision(gate.decide, gate.backend, gate.id, gate.error, gate.http, message, self.policy)

    def _message(self, parts: tuple[str | int, ...], scope: Scope) -> str:
        return " ".join("".join(p if isinstance(p, str) else self._said(p, scope) for p in parts).split())

    def _said(self, expression: int, scope: Scope) -> str:
        from ..facts.one_line import as_text

        try:
            return as_text(self.value(expression, scope))
        except Exception:
            return "(unknown)"


def _not_boolean(value: Any) -> str:
    return f"it is {kind_of(value)}, not boolean"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{text} ({type(error).__name__})" if text else type(error).__name__
