"""Analysis, diff, the two ways to decide, explain and jmespath's own interpreter, held to every case of a few facts.

`python -m tests.engine.analysis.differential 600` tries more of the same.
"""

from __future__ import annotations

import pytest
import yaml
from mlxk_rules.engine import Policy
from mlxk_rules.engine.language.expression import Node, parse
from mlxk_rules.engine.language.functions import FUNCTIONS

from .differential import CONDITIONS, Sample, held

SEEDS, CASES = range(48), 80  # the script tries thousands, with twice as many cases
# Every kind of node that jmespath's parser makes of an expression, and every operator.
KINDS = {
    *("and_expression", "comparator", "current", "expref", "field", "filter_projection", "flatten"),
    *("function_expression", "not_expression"),
    *("identity", "index", "index_expression", "key_val_pair", "literal", "multi_select_dict", "multi_select_list"),
    *("or_expression", "pipe", "projection", "slice", "subexpression", "value_projection"),
    *("eq", "ne", "lt", "lte", "gt", "gte"),
}  # fmt: skip


def used(node: Node) -> set[str]:
    """Return the kinds of an expression's nodes, and the names of its functions and operators."""
    named = {node["value"]} if node["type"] in ("function_expression", "comparator") else set[str]()
    return {node["type"]} | named | {n for c in node.get("children", ()) if isinstance(c, dict) for n in used(c)}


def test_every_function_and_form_has_conditions() -> None:
    for name in FUNCTIONS:
        assert CONDITIONS.get(name), f"add conditions that use `{name}()` to conditions.yaml"
        assert all(name in used(parse(text).node) for text in CONDITIONS[name]), name
    assert {kind for texts in CONDITIONS.values() for text in texts for kind in used(parse(text).node)} >= KINDS - {
        "not_expression"
    }


@pytest.mark.slow
@pytest.mark.parametrize("text", sorted({text for texts in CONDITIONS.values() for text in texts}))
def test_every_condition_loads(text: str) -> None:
    policy = Sample(0).one
    gate = {"id": "g", "when": text, "decide": "allow", "backend": "mlx_lm"}
    last = policy["gates"][-1]
    Policy.from_text(yaml.safe_dump({**policy, "derive": {}, "gates": [gate, last]}, sort_keys=False))


@pytest.mark.slow
def test_every_function_and_form_is_in_a_policy() -> None:
    texts = [gate["when"] for seed in range(96) for gate in Sample(seed).one["gates"] if "when" in gate]
    seen = {kind for text in texts for kind in used(parse(text).node)}
    assert seen >= FUNCTIONS.keys() | KINDS, (FUNCTIONS.keys() | KINDS) - seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_differs_and_what_is_proved_is_so(seed: int) -> None:
    assert held(seed, CASES).cases
