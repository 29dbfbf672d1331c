"""Predicted memory held to MLX's peaks: those that were measured once, and two small models that are loaded now."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import memory, probe, prompt

from . import document
from .measure import MEASURED, measured
from .prediction import predict
from .shapes import Shape, build
from .worker import ANSWER

RECORDS: dict[str, dict[str, Any]] = json.loads(MEASURED.read_text("utf-8"))
FIRST = next(iter(RECORDS.values()))
SMALL = (
    Shape("llama", "llama", 256, 704, 3, 4, 2, 4000),
    Shape("qwen2-tied-4bit", "qwen2", 256, 704, 2, 8, 2, 8000, tied=True, bits=4),
)


@pytest.mark.parametrize("name", RECORDS)
def test_what_was_measured(name: str) -> None:
    rows = document.rows(RECORDS[name])
    assert [row.line for row in rows if row.wrong] == []
    assert all(row.ratio < 1.1 for row in rows)


def test_the_document_is_made_of_it() -> None:
    assert document.FILE.read_text("utf-8") == document.text(RECORDS)


@pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is not installed")
@pytest.mark.parametrize("shape", SMALL, ids=[shape.name for shape in SMALL])
def test_small_models_as_they_load(tmp_path: Path, shape: Shape) -> None:
    folder = build(tmp_path / "model", shape)
    facts, peaks = probe(folder), measured(folder, (16, 300))
    assert 0.99 < predict(facts, 0).total / peaks["load"] < 1.01
    for context in (16, 300):
        # Beside weights as small as these the rounding of the cache shows.
        assert 0.95 < predict(facts, context + ANSWER).total / peaks[str(context)] < 1.25, context


@pytest.mark.parametrize("context", [1, 16, 256, 257, 2048, 2049, 3000, 4096, 5000, 10_000])
def test_the_policy_adds_up_the_same(context: int) -> None:
    facts = document.facts(FIRST)
    policy = Policy.load()
    whole = _whole(facts, context)
    derived = policy.explain(whole).derived
    assert derived["needed_bytes"] == predict(whole, context).total


def _whole(facts: dict[str, Any], context: int) -> dict[str, Any]:
    runtime = {"installed": True, "version": None, "model_types": []}
    return {
        "model": {"name": "m", "path": "m", "type": "llama", "files": ["model.safetensors"], "size_bytes": 1},
        "config": FIRST["config"],
        "config_status": "ok",
        "language": FIRST["config"],
        **facts,
        "memory": {"total_bytes": 1 << 40, "available_bytes": None, "recommended_bytes": None, **facts["memory"]},
        "request": {"images": False, "audio": False, "context_tokens": context},
        "runtime": {"python": [3, 11, 0], "mlx_lm": runtime, "mlx_vlm": runtime, "mlx_audio": runtime},
    }


CONFIG = {"hidden_size": 1024, "intermediate_size": 3072, "num_attention_heads": 16}


@pytest.mark.parametrize(
    ("changes", "dtype", "expected"),
    [
        ({}, "F32", 4 * (3 * 3072 + 7 * 2048)),
        ({}, "BF16", 2 * (3 * 3072 + 7 * 2048)),
        ({"head_dim": 128}, "BF16", 2 * (3 * 3072 + 7 * 3072)),
        ({"text_config": CONFIG | {"hidden_size": 512, "head_dim": 64}}, "F16", 2 * (3 * 3072 + 7 * 1536)),
        ({"num_experts_per_tok": 8, "moe_intermediate_size": 768}, "F16", 2 * (3 * 6144 + 7 * 2048 + 3 * 7 * 1024)),
        (
            {"num_experts_per_tok": 4, "moe_intermediate_size": 1024, "shared_expert_intermediate_size": 512},
            "F16",
            2 * (3 * 4608 + 7 * 2048 + 3 * 3 * 1024),
        ),
        ({"intermediate_size": None}, "F32", 4 * (3 * 4096 + 7 * 2048)),
        ({"intermediate_size": "many"}, "F32", 4 * (3 * 4096 + 7 * 2048)),
        ({"hidden_size": None}, "F32", None),
        ({"num_attention_heads": 0}, "F32", None),
        ({"hidden_size": -1024}, "F32", None),
        ({"hidden_size": 1 << 40}, "F32", None),
    ],
)
def test_what_a_token_of_a_prompt_takes(changes: dict[str, Any], dtype: str, expected: int | None) -> None:
    assert prompt.bytes_per_token(CONFIG | changes, dtype) == expected


@pytest.mark.parametrize(
    ("accelerator", "head_size", "dtype", "expected"),
    [
        ("cpu", 64, "BF16", 65),
        (None, 64, "BF16", 65),
        ("metal", 64, "F32", 0),
        ("metal", 128, "BF16", 0),
        ("metal", 256, "BF16", 65),
        ("metal", 96, "BF16", 65),
        ("cuda", 96, "BF16", 0),
        ("cuda", 96, "F32", 65),
        ("cuda", 256, "BF16", 65),
    ],
)
def test_scores_are_written_down_where_attention_is_not_one_kernel(
    accelerator: str | None, head_size: int, dtype: str, expected: int
) -> None:
    assert prompt.score_bytes(CONFIG | {"head_dim": head_size}, dtype, accelerator) == expected


@pytest.mark.parametrize(
    ("system", "machine", "beside", "expected"),
    [
        ("darwin", "arm64", [], "metal"),
        ("darwin", "x86_64", ["mlx-0.32.4.dist-info"], "cpu"),
        ("linux", "x86_64", ["mlx-0.32.4.dist-info", "mlx_cpu-0.32.4.dist-info"], "cpu"),
        ("linux", "x86_64", ["mlx_cuda-0.32.4.dist-info"], "cuda"),
        ("linux", "aarch64", ["mlx_cuda_13-0.32.4.dist-info"], "cuda"),
        ("linux", "x86_64", ["mlx_cuda_helpers-1.0.dist-info"], "cpu"),
    ],
)
def test_the_accelerator_is_told_by_what_lies_beside_mlx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, beside: list[str], expected: str
) -> None:
    for name in ("mlx", *beside):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(memory.sys, "platform", system)
    monkeypatch.setattr(memory, "_machine", lambda: machine)
    assert memory.accelerator(tmp_path / "mlx") == expected


def test_without_mlx_there_is_no_accelerator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory.sys, "platform", "linux")
    assert memory.accelerator(None) is None
    assert memory.accelerator(tmp_path / "gone" / "mlx") is None
