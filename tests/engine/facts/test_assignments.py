"""What-if assignments: each row of overrides.yaml gives its value or its error."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.facts.assignments import override
from mlxk_rules.engine.problems import UsageError

from ...case_files import cases
from ..helpers import GOOD

CASES: dict[str, list[list[Any]]] = cases(__file__, "overrides.yaml")
POLICY = Policy.load("2.0.4")


def at(facts: Any, path: str) -> Any:
    for name in path.split("."):
        facts = facts[name]
    return facts


@pytest.mark.parametrize("row", CASES["values"], ids=[row[0] for row in CASES["values"]])
def test_value(row: list[Any]) -> None:
    assignment, value = row
    before = deepcopy(GOOD)
    facts = override(GOOD, [assignment], POLICY.derived_types)
    found = at(facts, assignment.partition("=")[0].strip())
    assert (found, type(found)) == (value, type(value))
    assert before == GOOD, "the facts given are not changed"
    trace = POLICY.explain(facts)
    assert trace.decision.error_type != "policy_error", trace.decision


@pytest.mark.parametrize("row", CASES["errors"], ids=[row[0] for row in CASES["errors"]])
def test_error(row: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        override(GOOD, [row[0]], POLICY.derived_types)
    assert caught.value.code == row[1]
    assert row[2] in f"{caught.value.message}; {caught.value.help}"
    assert caught.value.help


def test_several_in_order() -> None:
    facts = override(GOOD, ["config.a.b=1", "config.a.c=2", "config.a.b=3"], POLICY.derived_types)
    assert facts["config"]["a"] == {"b": 3, "c": 2}


def test_too_deep() -> None:
    with pytest.raises(UsageError):
        override(GOOD, ["config." + "a." * 5_000 + "b=1"], POLICY.derived_types)


def test_derived_is_as_given() -> None:
    facts = override(GOOD, ["derived.vision=true", "request.images=true"], POLICY.derived_types)
    trace = POLICY.explain(facts)
    assert trace.derived["vision"] is True
    assert trace.decision.backend == "mlx_vlm"
    terms = [term for gate in trace.gates for term in gate.terms if "derived.vision" in term.facts]
    assert {term.why for term in terms} == {"as given"}


MADE_AGAIN = [
    (["config.model_type=foo"], {"model.type": "foo", "config_status": "ok"}),
    (["config.model_type=7"], {"model.type": None}),
    (["config.model_type=foo", "model.type=bar"], {"model.type": "bar"}),
    (["model.type=bar", "config.model_type=foo"], {"model.type": "bar"}),
    (["config=null"], {"model.type": None, "config_status": "missing", "config_has_content": False}),
    (["config={}"], {"model.type": None, "config_status": "empty"}),
    (["config=null", "config_status=invalid"], {"config_status": "invalid"}),
    (["preprocessor.size=1"], {"preprocessor_status": "ok"}),
    (["preprocessor=null"], {"preprocessor_status": "missing"}),
    (["model.path=/a/b"], {"model.folder": "b"}),
    (["request.images=true"], {"model.type": "llama", "config_status": "ok"}),
]


@pytest.mark.parametrize(("assignments", "facts"), MADE_AGAIN, ids=[" ".join(row[0]) for row in MADE_AGAIN])
def test_what_is_made_of_a_fact_is_made_again(assignments: list[str], facts: dict[str, Any]) -> None:
    found = override(GOOD, assignments, POLICY.derived_types)
    assert {path: at(found, path) for path in facts} == facts
