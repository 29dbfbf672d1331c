"""What reading a prompt takes besides weights and cache, told in a moment by the shapes of the model's layers.

MLX frees a layer's arrays once the next has read them, so the most that is alive is about what one layer reads and
writes: for each token of a step, the inputs and outputs of its linear layers, in the model's own number type. Attention
that is no single kernel also writes down a score for each pair of tokens and head. Nothing is computed.
rules/MEMORY.md holds it to what was measured.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from . import settings

# Norms, rotations, activations and residuals stand between the linear layers; and MLX works ahead of a GPU by up to ten
# tasks, whose arrays are alive at once. Held to what a Mac and this CPU took at most.
_ALIVE = {"metal": 2.5, "cuda": 2.5}
_ALIVE_ON_CPU = 1.45
# A score is reckoned as float32, whatever the weights are: its softmax is computed so. The mask is a byte a pair.
_SCORE_BYTES, _MASK_BYTES = 4, 1
# Head sizes for which a prompt's attention is one kernel in every MLX for Metal that has the kernel at all
# (mlx/backend/metal/scaled_dot_product_attention.cpp), and the largest for which CUDA has one.
_FUSED_BY_METAL = (64, 80, 128)
_FUSED_BY_CUDA = 128
_LAYER = re.compile(r"(.*?)\.(?:layers|blocks|h|resblocks|layer)\.(\d+)\.")
_EXPERTS = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k_experts", "moe_top_k")
_LARGEST = 1 << 24


def prompt(model: Any, config: Mapping[str, Any], accelerator: str | None) -> dict[str, int] | None:
    """What a step of a prompt takes in a model that was built, in the form of the fact; None where no layer tells.

    `accelerator` is metal, cuda or cpu: where attention is one kernel there, pairs of tokens take nothing.
    """
    language = getattr(model, "language_model", None) or model
    values = settings.language(config)
    widest = max(_layers(language, _number(values, *_EXPERTS) or 1).values(), default=0)
    heads = _number(values, *settings.HEADS)
    if not widest or not heads:
        return None
    number = _number_bytes(language)
    width = _number(values, "hidden_size", "n_embd", "d_model", "dim")
    head = _number(values, "head_dim", "v_head_dim") or (width // heads if width else None)
    fused = (accelerator == "metal" and head in _FUSED_BY_METAL) or (
        accelerator == "cuda" and head is not None and head % 8 == 0 and head <= _FUSED_BY_CUDA and number == 2
    )
    return {
        "fixed_bytes": 0,
        "bytes_per_token": math.ceil(_ALIVE.get(accelerator or "", _ALIVE_ON_CPU) * number * widest),
        "bytes_per_pair": 0 if fused else _SCORE_BYTES * heads + _MASK_BYTES,
    }


def _layers(model: Any, experts: int) -> dict[str, int]:
    """For each layer the numbers that its linear layers read and write for a token, experts as often as chosen."""
    found: defaultdict[str, int] = defaultdict(int)
    for name, part in model.named_modules():
        place = _LAYER.match(f"{name}.")
        sizes = _linear(part)
        if place is not None and sizes is not None:
            found[f"{place[1]}.{place[2]}"] += sum(sizes[:2]) * (experts if sizes[2] else 1)
    return found


def _linear(part: Any) -> tuple[int, int, bool] | None:
    """Inputs and outputs of a linear layer, packed or not, and whether it is one for each expert; None of others."""
    weight = part.get("weight") if isinstance(part, dict) else None
    if weight is None or len(weight.shape) not in (2, 3) or "num_embeddings" in vars(part):
        return None
    outputs, inputs = weight.shape[-2:]
    if "scales" in part:
        inputs = inputs * 32 // int(getattr(part, "bits", 4))
    return inputs, outputs, len(weight.shape) == 3


def _number_bytes(model: Any) -> int:
    """The bytes of a number as the model computes: those of its norms and biases, which are never packed."""
    sizes = Counter(
        part.weight.dtype.size
        for _, part in model.named_modules()
        if len(getattr(part.get("weight"), "shape", ())) == 1
    )
    return sizes.most_common(1)[0][0] if sizes else 2


def _number(values: Mapping[str, Any], *names: str) -> int | None:
    found = (values.get(name) for name in names)
    return next((one for one in found if type(one) is int and 0 < one < _LARGEST), None)
