"""How much memory a prompt takes while it is read, beside the KV cache: told from config.json, held to measured peaks.

A prompt is read in steps of at most 2048 tokens. For each token of a step MLX keeps what two layers or so compute, and,
where attention is not fused into one kernel, a score for each pair of a token and one before it, for each head.
rules/MEMORY.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kv_cache import number_bytes
from .tensors import integer, language_config

# Head sizes for which a prompt's attention is one kernel, in every MLX that has the kernel at all: newer ones have
# more, and 192 and 256 have one that is not taken, being slower.
_FUSED_BY_METAL = (64, 80, 128)
_LARGEST = 1 << 24
# A score is reckoned as float32, whatever the weights are: its softmax is computed so. The mask is a byte a pair.
_SCORE_BYTES, _MASK_BYTES = 4, 1


def bytes_per_token(config: Mapping[str, Any] | None, dtype: str | None) -> int | None:
    """Bytes a number x (3 x intermediate + 7 x (hidden + heads x head size)); None where config does not tell.

    A mixture of experts computes the middle for each expert that a token goes to, and copies the token to each.
    """
    values = language_config(config)
    hidden, heads, head_size = _attention(values)
    middle = integer(values, "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim") or 0
    wide = hidden
    experts = integer(values, "num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k_experts")
    if experts and 0 < experts < 1 << 12:
        each = integer(values, "moe_intermediate_size") or middle
        shared = integer(values, "shared_expert_intermediate_size") or each * (integer(values, "n_shared_experts") or 0)
        middle = max(middle, experts * each + shared)
        wide = hidden * max(1, experts) if hidden else None
    if not middle and hidden:
        middle = 4 * hidden  # what models do whose config leaves it out
    if not (hidden and wide and heads and head_size and 0 < middle < _LARGEST):
        return None
    numbers = 3 * middle + 7 * (hidden + heads * head_size) + 3 * (wide - hidden)
    return number_bytes(dtype, config) * numbers


def score_bytes(config: Mapping[str, Any] | None, dtype: str | None, accelerator: str | None) -> int | None:
    """Bytes of the scores of one pair of tokens in all heads, and of its mask: 0 where they are never written down."""
    _, heads, head_size = _attention(language_config(config))
    if not (heads and head_size):
        return None
    if accelerator == "metal" and head_size in _FUSED_BY_METAL:
        return 0
    if accelerator == "cuda" and head_size % 8 == 0 and head_size <= 128 and number_bytes(dtype, config) == 2:
        return 0
    return _SCORE_BYTES * heads + _MASK_BYTES


def _attention(values: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Hidden size, heads, head size; None for what is not a number of reasonable size."""
    hidden = integer(values, "hidden_size", "n_embd", "d_model", "dim")
    heads = integer(values, "num_attention_heads", "n_heads", "n_head")
    head_size = integer(values, "head_dim") or (hidden // heads if hidden and heads and heads > 0 else None)
    found = [number if number and 0 < number < _LARGEST else None for number in (hidden, heads, head_size)]
    return found[0], found[1], found[2]
