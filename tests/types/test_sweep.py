"""The sweep: a part of it in seconds, the whole of it with the zoo."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from mlxk_rules.engine import Policy

from . import sweep

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("mlx_lm", "mlx_vlm", "mlx_audio", "transformers")),
        reason="the sweep asks the libraries themselves",
    ),
]


@pytest.fixture(scope="module")
def told() -> sweep.Told:
    return sweep.ask(sweep.ORACLE)


@pytest.fixture(scope="module")
def configs() -> dict[str, Any]:
    return sweep.ask(sweep.HERE / "configs.py")


def unexplained(told: sweep.Told, cases: list[sweep.Case]) -> list[str]:
    found, count = sweep.misses(Policy.load(), told, cases)
    assert count == 4 * len(cases)
    reasons = sweep.explanations()
    return [miss.line for miss in found if not sweep.explain(miss, reasons)]


# Types whose default configs and files try the policy most: two meanings, towers without a backend, null sections.
TRYING = (
    "blip",
    "dia",
    "gemma3",
    "gemma3n",
    "glm",
    "gpt-sw3",
    "llama",
    "modernbert",
    "moonshine",
    "musicflamingo",
    "qwen2_5_omni",
    "qwen2_audio",
    "qwen2_vl",
    "vit",
    "voxtral",
    "whisper",
)


def test_every_type(told: sweep.Told, configs: dict[str, Any]) -> None:
    assert unexplained(told, list(sweep.cases(told, configs))) == []


def test_types_that_try_the_policy(told: sweep.Told, configs: dict[str, Any]) -> None:
    cases = [case for case in sweep.cases(told, configs) if case.name in TRYING]
    assert {case.name for case in cases} == set(TRYING)
    assert unexplained(told, cases) == []


def test_the_sweep_finds_what_is_wrong(told: sweep.Told, configs: dict[str, Any]) -> None:
    """Held against libraries that had not llama, and had blip, the same policy is wrong of both."""
    other = {backend: dict(types) for backend, types in told.items()}
    for types in other.values():
        types.pop("llama", None)
    other["mlx_vlm"]["blip"] = ["text", "images"]
    cases = [case for case in sweep.cases(other, configs) if case.name in ("llama", "blip", "whisper")]
    found, _ = sweep.misses(Policy.load(), other, cases)
    assert {(miss.case.name, miss.request) for miss in found} >= {
        ("llama", "text"),
        ("blip", "text"),
        ("blip", "images"),
    }
    assert not any(miss.case.name == "whisper" for miss in found)


def test_nearly_every_type_of_transformers_has_a_config(configs: dict[str, Any]) -> None:
    skipped = [name for name, made in configs.items() if "skipped" in made]
    assert len(configs) > 300
    assert len(skipped) <= len(configs) // 50, skipped
