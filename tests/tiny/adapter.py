"""Adapters for a text model, as `mlx_lm.lora --train` leaves them, without the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .files import write_json


def adapter(
    folder: Path, model: Path, kind: str = "lora", *, layers: int = 1, keys: tuple[str, ...] = ("mlp.down_proj",)
) -> Path:
    """Writes an adapter whose weights are none of them zero, so that the model answers otherwise; gives the folder."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.tuner.utils import linear_to_lora_layers
    from mlx_lm.utils import load_model

    parameters: dict[str, Any] = {"rank": 4, "scale": 20.0, "dropout": 0.0, "keys": list(keys)}
    config = {"fine_tune_type": kind, "num_layers": layers, "lora_parameters": parameters}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "adapter_config.json", config)
    loaded, _ = load_model(model)
    loaded.freeze()
    linear_to_lora_layers(loaded, layers, parameters, use_dora=kind == "dora")
    weights: dict[str, Any] = {}
    for name, value in tree_flatten(loaded.trainable_parameters()):
        mx.random.seed(len(weights))
        weights[name] = value if name.endswith(".m") else mx.random.normal(value.shape)
    mx.save_safetensors(str(folder / "adapters.safetensors"), weights)
    return folder
