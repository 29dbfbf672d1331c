"""The random models that were measured on a CPU (measured.json), built again without their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .peaks import Told
from .worker import ANSWER


def told(record: Mapping[str, Any]) -> dict[int, Told]:
    """What is told of the model on a CPU, by the tokens of a prompt that was measured."""
    from mlxk_rules.loaders.dry_run import working_memory

    model = _model(record["config"], record["shape"]["bits"])
    prompt = working_memory.prompt_memory(model, "cpu")
    assert prompt is not None
    return {
        int(tokens): Told(record["weights_bytes"], working_memory.cache_bytes(model, int(tokens) + ANSWER), prompt, 0)
        for tokens in record["peaks"]
        if tokens != "load"
    }


def _model(config: Mapping[str, Any], bits: int) -> Any:
    """MLX initialises lazily: nothing is there until it is asked for."""
    from mlx import nn

    kind: Any = import_module(f"mlx_lm.models.{config['model_type']}")
    model = kind.Model(kind.ModelArgs.from_dict(dict(config)))
    if bits != 32:
        nn.quantize(model, group_size=64, bits=bits)
    return model
