"""The fast way, the exact one and the trace answer alike: of rules that the fast way has no form for, of odd facts."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary, put
from mlxk_rules.engine.language.expression import parse
from mlxk_rules.engine.language.fact_paths import paths_in

TEXT = """schema: 1
name: t
version: 1.0.0
sets: {x: [a, b], y: []}
limits: {n: 1}
derive:
  files: {compute: "glob(model.files, '*.json')"}
  both: {compute: request.audio && request.images}
  value: {compute: "VALUE"}
gates:
GATES
  - {id: text, otherwise: true, decide: allow, backend: mlx_lm}
"""


def policy(*conditions: str, message: str = "m", value: str = "`1`") -> Policy:
    gates = "\n".join(
        f'  - {{id: g{number}, when: "{condition}", decide: warn, backend: mlx_lm, message: "{message}"}}'
        for number, condition in enumerate(conditions)
    )
    return Policy.from_text(TEXT.replace("GATES", gates).replace("VALUE", value))


def alike(rules: Policy, facts: dict[str, Any]) -> None:
    said = rules.explain(facts).decision
    assert rules.decide(facts) == said == rules.evaluation.decide(facts)


# Sections alone, and what stands in them: an index, a slice, a projection, a function of all.
WHOLE = [
    ("sets.x[0] == 'a'", "m"),
    ("contains(sets.x[1:], 'b')", "{{ sets.x[0] }} {{ sets.x[5] }} {{ sets.x[-1] }}"),
    ("has_key(limits, 'n')", "{{ limits.n }}"),
    ("truthy(sets)", "{{ derived.files[0] }}"),
    ("truthy(derived)", "{{ keys(limits) | [0] }} {{ derived.files[-1] }}"),
    ("`true`", "{{ to_string(limits) }}"),
    ("truthy(sets.x[*])", "m"),
    ("truthy(sets.x[])", "m"),
    ("truthy(derived.files[?@ == 'config.json'])", "m"),
    ("truthy([sets.x[0]])", "m"),
    ("truthy(limits.*)", "m"),
    ("truthy({a: sets, b: limits, c: derived})", "m"),
    ("truthy(merge(limits, sets))", "m"),
    ("truthy(sort_by(sets.x, &length(@)))", "m"),
    ("truthy(map(&length(@), sets.x))", "m"),
    ("truthy(not_null(limits, sets))", "m"),
    ("truthy(look_up(limits, 'n'))", "m"),
    ("truthy(limits | n)", "m"),
    ("truthy(derived | files)", "m"),
    ("truthy(sets.{a: x})", "m"),
    ("truthy(derived.[files])", "m"),
    ("truthy(config.a.b[0].c[1:2].d)", "{{ config.a[0] }}"),
    ("truthy(model)", "{{ to_string(runtime) }}"),
    ("truthy(dry_run.mlx_lm.cache.parts[0])", "m"),
]


@pytest.mark.parametrize(("condition", "message"), WHOLE)
@pytest.mark.parametrize("value", ["`1`", "sets.x[0]", "limits"])
def test_what_the_fast_way_has_no_form_for(condition: str, message: str, value: str) -> None:
    rules = policy(condition, message=message, value=value)
    for given in ({}, {"derived": {}}, {"derived": None}, {"derived": {"files": ["q"]}}):
        alike(rules, {**ordinary(), **given})
        alike(rules, {**put(ordinary(), "model.files", 1), **given})


@pytest.mark.parametrize("derived", [[], 0, "", False, "x", {"zz": 1}, [1], {"files": 1}, {"both": None}])
def test_derived_facts_that_are_none(derived: Any) -> None:
    alike(policy("request.images"), {**ordinary(), "derived": derived})
    alike(policy("derived.both"), {**ordinary(), "derived": derived})


GATES = [
    ("request.images", "request.images && request.audio"),
    ("request.images && model.files_cut_off", "request.images && model.files_cut_off && request.audio"),
    ("request.images", "request.images && derived.both", "request.audio"),
    ("model.type == 'a' || request.images", "(model.type == 'a' || request.images) && request.audio"),
    tuple(f"model.type == 'a{number}' && request.audio" for number in range(9)),
    tuple(f"model.type == 'a{number}'" + " && request.audio" * (number == 8) for number in range(9)),
    tuple(f"model.type == 'a{number}'" + " && derived.both" * (number == 8) for number in range(9)),
]


@pytest.mark.parametrize("gates", GATES, ids=lambda gates: gates[0])
def test_a_fact_of_the_wrong_type_that_only_an_idle_gate_reads(gates: tuple[str, ...]) -> None:
    rules = policy(*gates)
    for audio, images in product((1.5, None, True, False, "x"), (True, False, None)):
        facts = put(put(ordinary(), "request.audio", audio), "request.images", images)
        for given in ({}, {"derived": None}, {"derived": {}}, {"derived": {"both": 1}}):
            alike(rules, {**facts, **given})


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("sets.x[0]", {"sets.x"}),
        ("derived.files[1:]", {"derived.files"}),
        ("model.files[?@ == model.type]", {"model.files"}),
        ("config.a.b[0].c", {"config.a.b"}),
        ("config.a.*", {"config.a"}),
        ("glob(model.files, 'x')[0]", {"model.files"}),
        ("model.{a: type}", {"model"}),
        ("[model.type, model.name][0]", {"model.type", "model.name"}),
        ('config."a.b".c', {"config"}),
    ],
)
def test_the_paths_that_an_expression_reads(text: str, paths: set[str]) -> None:
    assert paths_in(parse(text).node) == paths
