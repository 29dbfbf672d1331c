"""What a case expected against what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..decision import Decision, Trace
from ..policy import Policy
from .cases import Run


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that does not hold."""

    key: str
    wanted: Any
    got: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed, what differs, and how the policy came to its decision."""

    run: Run
    differences: tuple[Difference, ...]
    trace: Trace


def failures(policy: Policy, runs: list[Run]) -> list[Failure]:
    """Return the cases that the policy decides otherwise than expected."""
    found: list[Failure] = []
    for run in runs:
        derived = policy.evaluation.scope(run.facts)[0]["derived"] if "derived" in run.expect else {}
        if wrong := differences(run.expect, policy.decide(run.facts), derived):
            found.append(Failure(run, wrong, policy.explain(run.facts)))
    return found


def differences(expect: Mapping[str, Any], decision: Decision, derived: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what of `expect` does not hold."""
    found: list[Difference] = []
    for key, wanted in expect.items():
        if key == "message":
            message = decision.message or ""
            found += [Difference(key, part, decision.message) for part in wanted if str(part) not in message]
        elif key == "not_gates":
            found += [Difference("gate", f"not {decision.gate}", decision.gate)] if decision.gate in wanted else []
        elif key == "derived":
            for name, value in wanted.items():
                if not same(derived.get(name), value):
                    found.append(Difference(f"derived.{name}", value, derived.get(name)))
        elif not same(getattr(decision, key), wanted):
            found.append(Difference(key, wanted, getattr(decision, key)))
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
