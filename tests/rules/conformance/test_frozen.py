"""The frozen policy against its whole record: every row of the gates' truth table, every folder, every request."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import probe

HERE = Path(__file__).parent
ROWS = list(csv.DictReader((HERE / "gates-2.0.4.csv").read_text("utf-8").splitlines()))
MODELS = [json.loads(line) for line in (HERE / "models-2.0.4.jsonl").read_text("utf-8").splitlines()]
REQUESTS = {
    "text": (False, False),
    "images": (True, False),
    "audio": (False, True),
    "images+audio": (True, True),
}
FROZEN = Policy.load("2.0.4")


def facts_of(row: dict[str, str]) -> dict[str, Any]:
    def flag(name: str) -> bool:
        return row[name] == "1"

    return {
        "model": {"name": "org/model", "path": "/model", "type": "llama", "files": [], "size_bytes": 1},
        "config": {"model_type": "llama"},
        "config_status": "ok",
        "request": {"images": flag("has_images"), "audio": flag("has_audio"), "context": "cli"},
        "runtime": {
            "python": [3, 10, 0] if flag("py_ge_310") else [3, 9, 18],
            **{name: {"installed": flag(name), "version": None} for name in ("mlx_lm", "mlx_vlm", "mlx_audio")},
        },
        "memory": {"total_bytes": 100},
        "derived": {
            "vision": flag("is_vision"),
            "audio": flag("is_audio"),
            "audio_backend": row["audio_backend"] or None,
            "runtime_compatible": flag("runtime_compatible"),
            "memory_ratio": 0.71 if flag("over_70pct") else 0.70,
        },
    }


def test_the_truth_table_is_whole() -> None:
    assert len(ROWS) == 3072


def test_every_row_of_the_truth_table() -> None:
    wrong: list[Any] = []
    for number, row in enumerate(ROWS, 2):
        facts = facts_of(row)
        decision = FROZEN.decide(facts)
        assert FROZEN.explain(facts).decision == decision
        got = (decision.backend, decision.decision, str(decision.http_status or ""), decision.error_type or "")
        if got != (row["backend"], row["decision"], row["http_status"], row["error_type"]):
            wrong.append((number, row, got))
    assert wrong == []


def build(model: dict[str, Any], root: Path) -> Path:
    if model["layout"] == "hf":
        folder = root / f"models--{model['name'].replace('/', '--')}" / "snapshots" / ("0123456789abcdef" * 3)[:40]
    else:
        folder = root / model["name"]
    for name, content in model["files"].items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=[f"{model['id']} {model['title']}" for model in MODELS])
def test_every_folder_and_request(model: dict[str, Any], tmp_path: Path) -> None:
    folder = build(model, tmp_path)
    for request, (images, audio) in REQUESTS.items():
        facts = probe(folder, name=model["name"], images=images, audio=audio, dry_run=False)
        facts["memory"]["total_bytes"] = model["env"]["system_memory"]
        facts["runtime"]["python"] = [*map(int, model["env"]["python"].split(".")), 0]
        for backend in ("mlx_lm", "mlx_vlm", "mlx_audio"):
            facts["runtime"][backend]["installed"] = True
        trace = FROZEN.explain(facts)
        decision = FROZEN.decide(facts)
        assert trace.decision == decision
        wanted = model["decisions"][request]
        assert {key: getattr(decision, key) for key in wanted} == wanted, request
        detected, derived = model["detected"], trace.derived
        assert {
            "is_vision": derived["vision"],
            "is_audio": derived["audio"],
            "audio_backend": derived["audio_backend"],
            "is_chat": derived["chat"],
            "is_embedding": derived["embedding"],
            "capabilities": trace.capabilities,
            "framework": derived["framework"],
            "runtime_compatible": derived["runtime_compatible"],
            "config_valid": facts["config_status"] == "ok",
        } == {key: detected[key] for key in detected if key != "runtime_reason"}
