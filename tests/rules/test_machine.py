"""The gates that the machine fires, not the folder: what is installed, in which version, with how much memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy

from .folders import facts_of, requests, write

GIB = 1024**3


VERSIONS = {"mlx_lm": "99.0.1", "mlx_vlm": "99.0.1", "mlx_audio": "99.0.1"}


def facts(tmp_path: Path, model_type: str, request: str = "text") -> dict[str, Any]:
    found = facts_of(write(tmp_path / "m", {"config.json": {"model_type": model_type}, "model.safetensors": None}))
    for backend, version in VERSIONS.items():
        found["runtime"][backend] = {"installed": True, "version": version}
    return requests(found)[request]


# gptj is mlx-lm's alone: what mlx-vlm has too goes there where mlx-lm cannot.
CASES = [
    ("gptj", "text", "mlx_lm", "text"),
    ("qwen2_vl", "images", "mlx_vlm", "vision"),
    ("whisper", "audio", "mlx_audio", "audio"),
]


@pytest.mark.parametrize(("model_type", "request_", "backend", "lane"), CASES)
def test_an_installed_version_without_the_type(
    tmp_path: Path, policy: Policy, model_type: str, request_: str, backend: str, lane: str
) -> None:
    asked = facts(tmp_path, model_type, request_)
    assert policy.decide(asked).decision == "allow", "its types could not be listed: the benefit of the doubt"
    asked["runtime"][backend]["model_types"] = ["something_else"]
    decision = policy.decide(asked)
    assert (decision.gate, decision.error_type) == ("version", "unsupported_model_type")
    assert "99.0.1" in (decision.message or "")
    asked["runtime"][backend]["model_types"] = ["something_else", model_type]
    assert policy.decide(asked).decision == "allow"
    asked["runtime"][backend]["version"] = "0.0.1"
    decision = policy.decide(asked)
    assert (decision.gate, decision.error_type) == ("outdated", "missing_dependency")
    assert "0.0.1" in (decision.message or "")
    asked["runtime"][backend]["installed"] = False
    assert policy.decide(asked).gate == "dependency"


TWO = {"mlx_lm": {"installed": False}, "mlx_vlm": {"installed": False}}
OLD = {"mlx_lm": {"version": "0.0.1"}, "mlx_vlm": {"version": "0.0.1"}}
ELSE = {"mlx_lm": {"model_types": ["something_else"]}, "mlx_vlm": {"model_types": ["something_else"]}}


@pytest.mark.parametrize("changes", [TWO, OLD, ELSE], ids=["not-installed", "old", "without-the-type"])
@pytest.mark.parametrize(
    ("model_type", "home", "other"), [("llama", "mlx_lm", "mlx_vlm"), ("gemma3", "mlx_vlm", "mlx_lm")]
)
def test_text_goes_to_the_other_backend_that_can(
    tmp_path: Path, policy: Policy, model_type: str, home: str, other: str, changes: dict[str, dict[str, Any]]
) -> None:
    asked = facts(tmp_path, model_type)
    assert policy.decide(asked).backend == home
    asked["runtime"][home] |= changes[home]
    assert (policy.decide(asked).decision, policy.decide(asked).backend) == ("allow", other)
    asked["runtime"][other] |= changes[other]
    assert policy.decide(asked).gate in ("dependency", "outdated", "version"), "neither can"
    asked = facts(tmp_path, model_type)
    asked["runtime"][other] |= changes[other]
    assert policy.decide(asked).backend == home


@pytest.mark.parametrize(
    ("model_type", "home", "other"), [("llama", "mlx_lm", "mlx_vlm"), ("gemma3", "mlx_vlm", "mlx_lm")]
)
def test_text_goes_to_the_backend_that_takes_the_files(
    tmp_path: Path, policy: Policy, model_type: str, home: str, other: str
) -> None:
    asked = facts(tmp_path, model_type)
    failed = {"status": "failed", "phase": "weights", "reason": "Missing 1 parameters: x."}
    asked["dry_run"] = {home: failed, other: {"status": "ok"}}
    assert policy.decide(asked).backend == other
    asked["dry_run"] = {home: failed, other: failed}
    assert policy.decide(asked).gate == "missing-tensors"
    assert policy.explain(asked).derived["lane"] == home
    asked["dry_run"] = {home: {"status": "ok"}, other: {"status": "ok"}}
    assert policy.decide(asked).backend == home


@pytest.mark.parametrize(("model_type", "request_", "backend", "lane"), CASES)
def test_an_installed_version_with_a_new_type(
    tmp_path: Path, policy: Policy, model_type: str, request_: str, backend: str, lane: str
) -> None:
    asked = facts(tmp_path, "brandnew_type", request_)
    assert policy.decide(asked).decision == "block"
    asked["runtime"][backend]["model_types"] = ["brandnew_type"]
    if backend == "mlx_vlm":
        asked["runtime"][backend]["image_types"] = ["brandnew_type"]
    decision = policy.decide(asked)
    assert (decision.decision, decision.backend) == ("allow", backend), decision


@pytest.mark.parametrize(
    ("model_type", "request_", "size", "gate"),
    [
        ("llama", "text", 45, "text-memory"),
        ("llama", "text", 44, "text"),
        ("llama", "text", 64, "text-memory"),
        ("llama", "text", 65, "too-large"),
        ("qwen2_vl", "images", 45, "vision-memory"),
        ("qwen2_vl", "text", 45, "vision-memory"),
        ("qwen2_vl", "images", 44, "vision"),
        ("qwen3_5_text", "text", 45, "vision-memory"),
    ],
)
def test_memory(tmp_path: Path, policy: Policy, model_type: str, request_: str, size: int, gate: str) -> None:
    asked = facts(tmp_path, model_type, request_)
    asked["model"]["size_bytes"] = size * GIB  # of 64
    decision = policy.decide(asked)
    assert decision.gate == gate
    if gate.endswith("memory"):
        assert f"needs {size}.0 GB ({size}.0 GB of weights" in (decision.message or "")
        assert "of 64.0 GB memory" in (decision.message or "")
        assert "the 44.8 GB that may be used" in (decision.message or "")


def test_an_old_python(tmp_path: Path, policy: Policy) -> None:
    asked = facts(tmp_path, "qwen2_vl", "images")
    asked["runtime"]["python"] = [3, 9, 18]
    decision = policy.decide(asked)
    assert (decision.gate, decision.error_type) == ("vision-python", "python_version_error")
    assert "3.9.18" in (decision.message or "")


@pytest.mark.parametrize(("model_type", "request_", "backend", "lane"), CASES)
def test_unknown_memory_is_a_warning(
    tmp_path: Path, policy: Policy, model_type: str, request_: str, backend: str, lane: str
) -> None:
    asked = facts(tmp_path, model_type, request_)
    asked["memory"]["total_bytes"] = None
    decision = policy.decide(asked)
    assert (decision.decision, decision.backend, decision.error_type) == ("warn", backend, "memory_unknown")


CACHE = {"fixed_bytes": 10, "parts": [{"bytes_per_token": 128 * 1024, "step_tokens": 256, "max_tokens": None}]}


def test_the_context_counts(tmp_path: Path, policy: Policy) -> None:
    asked = facts(tmp_path, "llama", "text")
    asked["dry_run"] = {"mlx_lm": {"status": "ok", "load_bytes": 40 * GIB, "cache": CACHE}}
    assert policy.decide(asked).gate == "text"
    asked["request"]["context_tokens"] = 100_000
    decision = policy.decide(asked)
    assert (decision.decision, decision.gate) == ("warn", "text-memory")
    trace = policy.explain(asked)
    assert trace.derived["kv_bytes"] == 10 + 128 * 1024 * 256 * 391
    parts = [trace.derived[name] for name in ("load_bytes", "kv_bytes", "image_bytes")]
    assert trace.derived["needed_bytes"] == sum(parts)
    asked["dry_run"]["mlx_lm"] |= {"prompt": {"fixed_bytes": 1, "bytes_per_token": 3, "bytes_per_pair": 0}}
    assert policy.explain(asked).derived["needed_bytes"] == sum(parts) + 1 + 3 * 2048


def test_a_cache_that_cannot_be_told_is_a_warning_where_it_could_decide(tmp_path: Path, policy: Policy) -> None:
    asked = facts(tmp_path, "llama", "text")
    asked["dry_run"] = {"mlx_lm": {"status": "ok", "load_bytes": 20 * GIB}}
    assert policy.decide(asked).gate == "text"
    asked["dry_run"]["mlx_lm"]["load_bytes"] = 30 * GIB
    assert policy.decide(asked).gate == "text-memory-unknown"


def test_the_context_is_the_models_own_where_nobody_asks_for_one(tmp_path: Path, policy: Policy) -> None:
    asked = facts(tmp_path, "llama", "text")
    asked["dry_run"] = {"mlx_lm": {"status": "ok", "context_tokens": 1024}}
    assert (policy.decide(asked).gate, policy.explain(asked).derived["context"]) == ("text", 1024)
    asked["request"]["context_tokens"] = 1025
    assert policy.decide(asked).gate == "text-warning"
