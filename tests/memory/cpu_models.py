"""The random models that were measured on a CPU (measured.json), built again without their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .peaks import Told
from .worker import ANSWER


def told(record: Mapping[str, Any], by_layers: bool = False) -> dict[int, Told]:
    """What is told of the model on a CPU by the tokens of a measured prompt: by a replay, or by its layers."""
    from mlxk_rules.loaders.dry_run.sizes import prompt_sizes
    from mlxk_rules.loaders.dry_run.sizes.working_memory import estimate

    model = _model(record["config"], record["shape"]["bits"])
    if by_layers:
        sizes = prompt_sizes.prompt(model, record["config"], "cpu")
        assert sizes is not None
        prompt = estimate.PromptMemory(sizes["fixed_bytes"], sizes["bytes_per_token"], sizes["bytes_per_pair"])
    else:
        found = estimate.prompt_memory(model, "cpu")
        assert found is not None
        prompt = found
    return {
        int(tokens): Told(record["weights_bytes"], estimate.cache_bytes(model, int(tokens) + ANSWER), prompt, 0)
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
