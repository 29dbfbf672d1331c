"""The trace is true: its terms' values are what their texts give, and they are what made the gate fire or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mlxk_rules.engine import GateResult, Policy, Term, Trace
from mlxk_rules.engine.evaluator.trace import shortened
from mlxk_rules.engine.language.expression import parse
from mlxk_rules.engine.language.interpreter import interpret

from ...rules.conformance.test_frozen import ROWS, facts_of
from ..helpers import GOOD, policy_text, with_facts

FROZEN, TODAY = Policy.load("2.0.4"), Policy.load()


def scope_of(policy: Policy, trace: Trace) -> dict[str, Any]:
    return {**trace.facts, "sets": policy.sets, "limits": policy.limits, "derived": trace.derived}


def check_terms(terms: tuple[Term, ...], scope: dict[str, Any], seen: set[str]) -> None:
    for term in terms:
        if term.text not in seen:
            assert term.value == shortened(interpret(parse(term.text).node, scope)), term
            for path, value in term.facts.items():
                found: Any = scope
                for name in path.split("."):
                    found = found.get(name) if isinstance(found, dict) else None
                assert shortened(found) == value, term
            seen.add(term.text)
        check_terms(term.because, scope, seen)


def check_trace(policy: Policy, trace: Trace) -> None:
    scope, seen = scope_of(policy, trace), set[str]()
    *before, last = trace.gates
    assert last.fired and not any(gate.fired for gate in before)
    assert trace.decision.gate == last.id
    gates = {gate.id: gate for gate in policy.document.gates}
    for gate in trace.gates:
        if gates[gate.id].when is not None and gate.error is None:
            assert gate.terms, f"{gate.id} {'fired' if gate.fired else 'did not fire'} for no reason"
        check_terms(gate.terms, scope, seen)
        assert gate.line == gates[gate.id].place.line
    assert json.loads(json.dumps(trace.to_dict())) == trace.to_dict()


# Every third row, for speed: the rows count the inputs up like a binary number, so each value is with each other.
@pytest.mark.parametrize("start", [0, 1, 2])
def test_conformance_rows(start: int) -> None:
    for row in ROWS[start::9]:
        check_trace(FROZEN, FROZEN.explain(facts_of(row)))


@pytest.mark.parametrize("policy", [FROZEN, TODAY], ids=["2.0.4", "today"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model.type": None},
        {"config": None, "config_status": "missing"},
        {"model.type": "qwen2_vl", "request.images": True},
        {"model.type": "whisper", "request.audio": True},
        {"memory.total_bytes": None},
        {"memory.total_bytes": 1},
        {"model.files": [f"model-{number:05}.safetensors" for number in range(99)]},
        {"config": {"architectures": ["XForMaskedLM"], "model_type": "x" * 999}},
    ],
    ids=str,
)
def test_made_up_facts(policy: Policy, changes: dict[str, Any]) -> None:
    check_trace(policy, policy.explain(with_facts(changes)))


def texts(gate: GateResult) -> list[str]:
    return [term.text for term in gate.terms]


@pytest.mark.parametrize(
    ("when", "changes", "fired", "terms"),
    [
        ("request.images && request.audio", {}, False, ["request.images"]),
        ("request.images && request.audio", {"request.images": True}, False, ["request.audio"]),
        (
            "request.images && request.audio",
            {"request.images": True, "request.audio": True},
            True,
            ["request.images", "request.audio"],
        ),
        ("request.images || request.audio", {}, False, ["request.images", "request.audio"]),
        ("request.images || request.audio", {"request.audio": True}, True, ["request.audio"]),
        ("request.images || request.audio", {"request.images": True, "request.audio": True}, True, ["request.images"]),
        ("!(request.images)", {}, True, ["request.images"]),
        ("!(request.images || request.audio)", {}, True, ["request.images", "request.audio"]),
        ("!(request.images || request.audio)", {"request.audio": True}, False, ["request.audio"]),
        ("!(!(request.images))", {}, False, ["request.images"]),
        ("(model.type || 'x') == 'llama'", {}, True, ["(model.type || 'x') == 'llama'"]),
        (
            "!(request.images && request.audio) && model.type == 'llama'",
            {},
            True,
            ["request.images", "model.type == 'llama'"],
        ),
    ],
)
def test_the_fewest_terms(when: str, changes: dict[str, Any], fired: bool, terms: list[str]) -> None:
    trace = Policy.from_text(policy_text(when=when)).explain(with_facts(changes))
    assert trace.gates[0].fired is fired
    assert [text.replace("(model.type", "(model.type") for text in texts(trace.gates[0])] == terms


def test_derived_facts_are_explained() -> None:
    trace = FROZEN.explain(with_facts({"model.type": "LLaVA", "request.images": True, "memory.total_bytes": 1}))
    assert trace.decision.gate == "vision-memory"
    lane = trace.gates[-1].terms[0]
    assert lane.text == "derived.vlm_lane"
    (vision,) = lane.because
    assert (vision.text, vision.value, vision.why) == ("derived.vision", True, "the model type is a known vision type")
    (term,) = vision.because
    assert term.text == "contains(sets.vision_model_types, lower(model.type))"
    assert term.facts == {"model.type": "LLaVA"}


def test_long_values_are_cut() -> None:
    trace = FROZEN.explain(with_facts({"model.files": [f"{n}.gguf" for n in range(1000)], "model.type": "x"}))
    assert len(json.dumps([gate.to_dict() for gate in trace.gates])) < 50_000


def test_a_faulty_fact_is_named() -> None:
    for policy in (FROZEN, TODAY):
        for changes in ({"request.images": "yes"}, {"model.size_bytes": None}, {"runtime.mlx_lm.installed": 1}):
            trace = policy.explain(with_facts(changes))
            assert (trace.decision.decision, trace.decision.error_type) == ("block", "policy_error")
            assert trace.decision.http_status == 500
            assert trace.decision.message is not None and next(iter(changes)) in trace.decision.message
            assert trace.gates[-1].error and trace.gates[-1].fired


def test_facts_that_are_none() -> None:
    for facts in (None, [], "text", 3, [GOOD]):
        decision = TODAY.decide(facts)  # type: ignore[arg-type]
        assert (decision.decision, decision.error_type, decision.gate) == ("block", "policy_error", None)
        assert TODAY.explain(facts).decision == decision  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [FROZEN, TODAY])
def test_without_terms_all_else_is_the_same(policy: Policy) -> None:
    whole = policy.explain(GOOD, every=True)
    bare = {
        part: tuple(gate._replace(terms=()) for gate in getattr(whole, part))
        for part in ("gates", "observed", "behind")
    }
    assert policy.explain(GOOD, every=True, terms=False) == whole._replace(**bare) != whole
