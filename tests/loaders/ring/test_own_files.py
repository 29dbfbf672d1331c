"""The files of a rank of a pipeline: those of the layers that mlx-lm itself gives it, and of what is in no layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders.dry_run.sizes.shares import Group
from mlxk_rules.loaders.ring.own_files import lacking, layers_of


@pytest.mark.parametrize(("layers", "count"), [(4, 2), (5, 2), (7, 3), (61, 8), (4, 4), (9, 1)])
def test_the_layers_are_those_that_mlx_lm_gives(layers: int, count: int) -> None:
    from mlx_lm.models.pipeline import PipelineMixin

    for rank in range(count):
        mixin: Any = PipelineMixin()
        mixin.layers = list(range(layers))
        mixin.pipeline(Group(rank, count))
        assert layers_of(rank, count, layers) == range(mixin.start_idx, mixin.end_idx)


def facts(folder: Path, files: list[str], layers: object = 4, index: object = None) -> dict[str, Any]:
    named = {f"model.layers.{n}.w": f"{n}.safetensors" for n in range(4)} | {"lm_head.w": "rest.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": named} if index is None else index))
    weights = {"index": "ok", "mlx_lm": {"files": files}}
    return {"model": {"path": str(folder)}, "weights": weights, "config": {"num_hidden_layers": layers}}


ALL = [*(f"{n}.safetensors" for n in range(4)), "rest.safetensors"]


@pytest.mark.parametrize(
    ("files", "rank", "found"),
    [
        (ALL, 0, None),
        (["2.safetensors", "3.safetensors", "rest.safetensors"], 0, []),
        (["2.safetensors", "3.safetensors", "rest.safetensors"], 1, ["0.safetensors", "1.safetensors"]),
        (["2.safetensors"], 0, ["3.safetensors", "rest.safetensors"]),
    ],
)
def test_what_is_lacking(files: list[str], rank: int, found: Any, tmp_path: Path) -> None:
    assert lacking(facts(tmp_path, files), rank, 2) == found


@pytest.mark.parametrize("layers", [None, True, "4", 1, 1 << 40, -4])
def test_layers_that_are_none(layers: object, tmp_path: Path) -> None:
    assert lacking(facts(tmp_path, [], layers), 0, 2) is None


@pytest.mark.parametrize("index", [[], 7, {}, {"weight_map": 7}, {"weight_map": {"a": []}}])
def test_an_index_that_is_none(index: object, tmp_path: Path) -> None:
    assert lacking(facts(tmp_path, [], index=index), 0, 2) is None
