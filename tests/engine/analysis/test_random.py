"""The reasoning against plain enumeration through the engine, on random small policies."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.difference import difference, outcome
from mlxk_rules.engine.analysis.findings import findings

from .random_policies import Pair, text_of

pytestmark = pytest.mark.slow

SEEDS = range(24)


def load(policy: dict[str, Any]) -> Policy:
    return Policy.from_text(text_of(policy), "tiny.yaml")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_difference_is_what_enumeration_finds(seed: int) -> None:
    pair = Pair(seed)
    old, new = load(pair.one), load(pair.other)
    found = difference(old, new)
    assert found.exact
    enumerated: set[tuple[Any, Any]] = set()
    for facts in pair.cases():
        one, other = old.decide(facts), new.decide(facts)
        assert "policy_error" not in (one.error_type, other.error_type)
        if outcome(one) != outcome(other):
            enumerated.add((one.gate, other.gate))
    assert {(change.old.id, change.new.id) for change in found.changes} == enumerated
    for change in found.changes:
        assert change.witness is not None
        one, other = old.decide(change.witness.facts), new.decide(change.witness.facts)
        assert (one.gate, other.gate) == (change.old.id, change.new.id)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_findings_are_what_enumeration_finds(seed: int) -> None:
    pair = Pair(seed)
    policy, cases = load(pair.one), pair.cases()
    found = findings(policy)
    assert all(finding.exact for finding in found)
    said = {(f.problem.code, f.problem.message.split("`")[1]) for f in found if f.problem.code != "dead-branch"}
    gates = [gate.id for gate in policy.document.gates]
    fired = {policy.decide(facts).gate for facts in cases}
    assert {name for code, name in said if code == "gate-never-fires"} == set(gates) - fired
    decided = [outcome(policy.decide(facts)) for facts in cases]
    read = text_of({**pair.one, "sets": {}})
    for name, members in pair.one["sets"].items():
        dead = {entry for entry in members if _without(pair.one, name, entry, cases) == decided}
        if f"sets.{name}" not in read:
            assert ("dead-set", f"sets.{name}") in said
            continue
        if ("dead-set", f"sets.{name}") not in said:  # read only by a derived fact that nothing reads
            messages = [f.problem.message for f in found if f.problem.code == "dead-entry"]
            claimed = {m.split("`")[1] for m in messages if f"in `{name}`" in m}
            assert claimed <= dead, (name, messages)
            assert claimed == dead or pair.family == "list"
    for position in range(len(gates) - 2):
        swapped = copy.deepcopy(pair.one)
        swapped["gates"][position : position + 2] = swapped["gates"][position : position + 2][::-1]
        other = load(swapped)
        free = [outcome(other.decide(facts)) for facts in cases] == decided
        assert (("order-free", gates[position]) in said) == free


@pytest.mark.parametrize("seed", SEEDS)
def test_branches_that_are_never_reached(seed: int) -> None:
    pair = Pair(seed)
    policy = load(pair.one)
    reached: set[tuple[str, int | None]] = set()
    for facts in pair.cases():
        scope, _ = policy.evaluation.scope(facts)
        reached |= {(part.name, policy.evaluation.branch_of(part.name, scope)) for part in policy.document.derive}
    dead = {f.problem.message.split(" is ")[0] for f in findings(policy) if f.problem.code == "dead-branch"}
    for part in policy.document.derive:
        for number, branch in enumerate(part.branches):
            if branch.when is not None:
                said, true = f"branch {number + 1} of `{part.name}`" in dead, (part.name, number) not in reached
                assert said == true or (pair.family == "list" and true)  # there more is possible than is: never less


def _without(policy: dict[str, Any], name: str, entry: str, cases: list[dict[str, Any]]) -> list[Any]:
    less = copy.deepcopy(policy)
    less["sets"][name].remove(entry)
    other = load(less)
    return [outcome(other.decide(facts)) for facts in cases]
