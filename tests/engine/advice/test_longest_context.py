"""The longest context that fits, found by asking the policy."""

from __future__ import annotations

from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.advice.longest_context import longest_context

POLICY = """
schema: 1
name: case
version: 1.0.0
derive:
  kv:
    compute: (cache_bytes(dry_run.mlx_lm.cache, (request.context_tokens || `1`)) || `0`)
gates:
  - id: memory
    when: memory.total_bytes != `null` && derived.kv > memory.total_bytes
    decide: block
    error: insufficient_memory
    message: too much
  - id: rest
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
CACHE = {"fixed_bytes": 0, "parts": [{"bytes_per_token": 10, "step_tokens": 1, "max_tokens": None}]}


def facts(total: int | None, model: int | None, cache: Any = CACHE) -> dict[str, Any]:
    told = {"cache": cache, "context_tokens": model}
    return {"memory": {"total_bytes": total}, "request": {"context_tokens": None}, "dry_run": {"mlx_lm": told}}


@pytest.mark.parametrize(
    ("total", "model", "longest"),
    [
        (50_000, 100_000, 5_000),
        (50_000, 4_000, 4_000),
        (2_000, 100_000, None),
        (None, 8_192, 8_192),
        (50_000, None, 5_000),
    ],
)
def test_longest(total: int | None, model: int | None, longest: int | None) -> None:
    given = {**complete(), **facts(total, model)}
    assert longest_context(Policy.from_text(POLICY), given, "mlx_lm") == longest


def test_of_a_backend_that_was_not_asked_nothing_is_known() -> None:
    given = {**complete(), **facts(50_000, 100_000)}
    given["dry_run"]["mlx_lm"]["status"] = "not_done"
    assert longest_context(Policy.from_text(POLICY), given, "mlx_lm") is None


def test_a_policy_that_does_not_look_at_the_context_has_none() -> None:
    assert longest_context(Policy.load("2.0.4"), {**complete(), **facts(50_000, 100)}, "mlx_lm") is None


def complete() -> dict[str, Any]:
    """The facts that have no default."""
    return {
        "model": {"name": "m", "path": "/m", "type": "llama", "files": [], "size_bytes": 1},
        "runtime": {"python": [3, 11, 0]},
    }
