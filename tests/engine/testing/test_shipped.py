"""The shipped policies' cases: they pass, they notice, and what tests them decides as the engine does."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.problems import PolicyError
from mlxk_rules.engine.rulefile.checked import check
from mlxk_rules.engine.testing.binding import bound
from mlxk_rules.engine.testing.case_files import find
from mlxk_rules.engine.testing.cases import Run
from mlxk_rules.engine.testing.incremental import machine
from mlxk_rules.engine.testing.mutation.mutants import mutants

pytestmark = pytest.mark.slow

POLICIES = ("2.0.4", "today's")


@cache
def loaded(name: str) -> tuple[Policy, list[Run]]:
    found = find(None if name == "today's" else name)
    policy = Policy.load(found.policy)

    def no_folder(*_: Any) -> dict[str, Any]:
        raise AssertionError("the shipped cases have no folders")

    return policy, [run for suite, _ in found.suites for run in bound(suite, policy, no_folder)]


def derived(policy: Policy, run: Run) -> dict[str, Any]:
    return policy.evaluation.scope(run.facts)[0]["derived"]


@pytest.mark.parametrize("name", ["2.0.4", pytest.param("today's", marks=pytest.mark.long)])
def test_shipped_cases_notice_the_mutants(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["test", *([] if name == "today's" else [name]), "--mutate", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0, found["failures"]
    mutation = found["mutation"]
    assert [survivor["id"] for survivor in mutation["survivors"]] == [], "add a case, or an `equivalent:` that says why"
    assert mutation["stale"] == [], "explained, and not there: branches are numbered"
    assert found["coverage"]["percent"] >= 99


@pytest.mark.parametrize("name", POLICIES)
def test_the_machine_decides_as_the_policy(name: str) -> None:
    policy, runs = loaded(name)
    base = machine(policy.document)
    for run in runs:
        state = base.start(run.facts)
        assert state.gate is not None
        assert (state.gate.id, state.derived) == (policy.decide(run.facts).gate, derived(policy, run)), run.name


@pytest.mark.parametrize("name", POLICIES)
def test_a_mutant_evaluated_in_part_is_one_evaluated_whole(name: str) -> None:
    policy, runs = loaded(name)
    base, chance = machine(policy.document), random.Random(0)
    runs = chance.sample(runs, min(25, len(runs)))
    states = [(run, base.start(run.facts)) for run in runs]
    every = [mutant for mutant in mutants(policy.document) if mutant.kind != "entry"]
    some = [*chance.sample(every, 30), *[m for m in mutants(policy.document) if m.kind == "entry"][:5]]
    sound = check(policy.document)
    for mutant in some:
        try:
            whole = Policy(check(mutant.document))
        except PolicyError as error:
            with pytest.raises(PolicyError) as again:
                check(mutant.document, sound)
            assert again.value.problems == error.problems
            continue
        assert check(mutant.document, sound).derived == whole.derived_types
        changed = machine(mutant.document, base)
        for run, state in states:
            after, decision = changed.again(state) or state, whole.evaluation.decide(run.facts)
            assert after.gate is not None
            got = (after.gate.id, after.gate.decide, after.derived)
            assert got == (decision.gate, decision.decision, derived(whole, run)), (mutant.id, run.name)


def test_ids_are_unique() -> None:
    for name in POLICIES:
        ids = [mutant.id for mutant in mutants(loaded(name)[0].document)]
        assert len(ids) == len(set(ids))


def test_shipped_case_files_are_found_by_their_policy() -> None:
    assert [Path(suite.name).name for suite, _ in find("2.0.4").suites] == ["2.0.4.yaml"]
    assert [Path(suite.name).name for suite, _ in find(None).suites] == ["policy.yaml"]
