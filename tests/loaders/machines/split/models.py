"""Tiny models of random numbers, one for each row of configs.yaml, as mlx-lm itself builds and writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....case_files import cases

DATA = cases(__file__, "configs.yaml")


def configs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row's name and its config.json."""
    for name, row in DATA["types"].items():
        yield name, _config(name, row)


def _config(name: str, row: dict[str, Any]) -> dict[str, Any]:
    own = {**DATA["types"][row["like"]], **row} if "like" in row else dict(row)
    own.pop("like", None)
    kind, under, parts = own.pop("type", name), own.pop("under", None), own.pop("with", [])
    values = dict(DATA["every"])
    for part in parts:
        values |= DATA[part]
    beside = own.pop("beside", {})
    values |= own
    inner = {"kimi_k25": "deepseek_v3", "qwen3_5": "qwen3_5_text", "kimi_k3": "kimi_linear"}.get(kind, kind)
    nested = {under: {"model_type": inner, **values}} if under else values
    return {"model_type": kind, **nested, **beside}


def write(folder: Path, config: dict[str, Any], bits: int | None = None) -> None:
    """Writes config.json, model.safetensors and its index; packed in so many bits, in groups of 32."""
    import mlx.core as mx
    import mlx.nn as nn
    from mlx.utils import tree_flatten, tree_unflatten
    from mlx_lm.utils import _get_classes  # pyright: ignore[reportPrivateUsage]

    mx.random.seed(7)
    kind, arguments = _get_classes(config)
    model: Any = kind(arguments.from_dict(config))
    if bits is not None:
        nn.quantize(model, 32, bits)
        config = {**config, "quantization": {"group_size": 32, "bits": bits}}
    arrays: Any = tree_flatten(model.parameters())
    drawn = [(name, 0.3 * mx.random.normal(one.shape) if one.dtype == mx.float32 else one) for name, one in arrays]
    folder.mkdir(parents=True)
    if bits is None:
        model.update(tree_unflatten(drawn))
    weights: Any = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "model.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(config))
