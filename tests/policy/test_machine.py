"""The gates that the machine fires, not the folder: what is installed, in which version, with how much memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy

from .folders import facts_of, requests, write

GIB = 1024**3


def facts(tmp_path: Path, model_type: str, request: str = "text") -> dict[str, Any]:
    found = facts_of(write(tmp_path / "m", {"config.json": {"model_type": model_type}, "model.safetensors": None}))
    for backend in ("mlx_lm", "mlx_vlm", "mlx_audio"):
        found["runtime"][backend] = {"installed": True, "version": "0.0.1"}
    return requests(found)[request]


CASES = [
    ("llama", "text", "mlx_lm", "text"),
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
    assert (decision.gate, decision.error_type) == (f"{lane}-version", "unsupported_model_type")
    assert "0.0.1" in (decision.message or "")
    asked["runtime"][backend]["model_types"] = ["something_else", model_type]
    assert policy.decide(asked).decision == "allow"
    asked["runtime"][backend]["installed"] = False
    assert policy.decide(asked).gate == f"{lane}-dependency"


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
        assert "needs 45.0 GB (45.0 GB of weights" in (decision.message or "")
        assert "of 64.0 GB memory" in (decision.message or "")
        assert "70%" in (decision.message or "")


def test_an_old_python(tmp_path: Path, policy: Policy) -> None:
    asked = facts(tmp_path, "qwen2_vl")
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


def test_the_context_counts(tmp_path: Path, policy: Policy) -> None:
    asked = facts(tmp_path, "llama", "text")
    asked["model"]["size_bytes"] = 40 * GIB
    asked["memory"]["kv_bytes_per_token"] = 128 * 1024
    assert policy.decide(asked).gate == "text"
    asked["request"]["context_tokens"] = 100_000
    decision = policy.decide(asked)
    assert (decision.decision, decision.gate) == ("warn", "text-memory")
    trace = policy.explain(asked)
    assert trace.derived["kv_bytes"] == 128 * 1024 * 256 * 391
    parts = [trace.derived[name] for name in ("load_bytes", "kv_bytes", "prompt_bytes")]
    assert trace.derived["needed_bytes"] == sum(parts)
