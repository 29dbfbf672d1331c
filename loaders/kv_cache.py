"""How much memory a token of context costs: keys and values of every layer, told from config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .tensors import integer, language_config

# What a cache that is not keys and values for every token has in its config: latent attention, state-space and linear
# layers, caches shared between layers. Its size is another, and not told.
_OTHER = (
    "kv_lora_rank",
    "ssm_cfg",
    "state_size",
    "mamba_d_state",
    "mamba_num_heads",
    "ssm_state_size",
    "hybrid_override_pattern",
    "linear_num_key_heads",
    "conv_L_cache",
    "full_attn_idxs",
    "attn_layer_period",
    "rwkv_head_size",
    "num_kv_shared_layers",
    "block_configs",
)


def bytes_per_token(config: Mapping[str, Any] | None, dtype: str | None) -> int | None:
    """2 x layers x key-value heads x head size x bytes a number; None where config does not tell.

    `dtype` is that of the weights, which the cache has too. Sliding windows, which bound the cache, are not subtracted.
    """
    values = language_config(config)
    if any(values.get(key) is not None for key in _OTHER):
        return None
    layers = integer(values, "num_hidden_layers", "n_layers", "n_layer", "num_layers")
    heads = integer(values, "num_attention_heads", "n_heads", "n_head")
    kv_heads = integer(values, "num_key_value_heads", "n_kv_heads", "num_kv_heads") or heads
    width = integer(values, "hidden_size", "n_embd", "d_model", "dim")
    head_dim = integer(values, "head_dim") or (width // heads if width and heads else None)
    kinds = values.get("layer_types")
    if isinstance(kinds, list):
        layers = sum(1 for kind in cast("list[Any]", kinds) if "attention" in str(kind) and "linear" not in str(kind))
    numbers = (layers, kv_heads, head_dim)
    if not all(number and 0 < number < 1 << 24 for number in numbers):
        return None
    return 2 * cast(int, layers) * cast(int, kv_heads) * cast(int, head_dim) * number_bytes(dtype, config)


def number_bytes(dtype: str | None, config: Mapping[str, Any] | None) -> int:
    """Bytes a number of what the model computes: as its weights, or as config declares."""
    declared = [str((config or {}).get(key)) for key in ("torch_dtype", "dtype")]
    return 4 if dtype == "F32" or (dtype is None and "float32" in declared) else 2
