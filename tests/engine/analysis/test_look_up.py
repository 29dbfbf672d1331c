"""Functions that the analysis does not go into are a doubt: what is found is never called exact because of them."""

from __future__ import annotations

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.difference import difference

TEXT = """schema: 1
name: tiny
version: 1.0.0
limits:
  most: 5
gates:
  - id: asked
    when: CONDITION
    decide: block
    error: refused
    message: refused
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""


def policy(condition: str, most: int = 5) -> Policy:
    return Policy.from_text(TEXT.replace("CONDITION", f'"{condition}"').replace("most: 5", f"most: {most}"))


CONDITIONS = [
    "look_up({llama: 'a', qwen2: 'b'}, model.type) == 'a'",
    "look_up({llama: dry_run.mlx_lm.status, qwen2: dry_run.mlx_vlm.status}, model.type) == 'ok'",
    "look_up(problems, model.type) == 'a'",
    "(cache_bytes(dry_run.mlx_lm.cache, `100`) || `0`) > limits.most",
    "(cache_bytes(dry_run.mlx_lm.cache, request.context_tokens) || `0`) > limits.most",
    "(prompt_bytes(dry_run.mlx_lm.prompt, `100`, `10`) || `0`) > limits.most",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_is_not_understood_is_a_doubt(condition: str) -> None:
    found = difference(policy(condition), policy("request.images"))
    assert not found.exact
    assert found.doubts


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_same_condition_is_the_same(condition: str) -> None:
    assert difference(policy(condition), policy(condition)).changes == ()


@pytest.mark.parametrize("condition", [one for one in CONDITIONS if "limits" in one])
def test_another_limit_is_never_called_the_same_for_sure(condition: str) -> None:
    found = difference(policy(condition), policy(condition, most=50))
    assert found.changes or not found.exact
