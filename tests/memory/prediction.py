"""What the facts say that a model takes, term by term, as rules/policy.yaml adds it up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CACHE_STEP = 256  # mlx_lm/models/cache.py, KVCache.step
PROMPT_STEP = 2048  # mlx_lm/generate.py, prefill_step_size


@dataclass(frozen=True)
class Prediction:
    """Bytes: of the weights, of the KV cache, of what each token of a step takes, and of the attention's scores."""

    load: int
    cache: int
    step: int
    scores: int

    @property
    def total(self) -> int:
        return self.load + self.cache + self.step + self.scores


def predict(facts: dict[str, Any], context: int) -> Prediction:
    """For prompt and answer of `context` tokens together, read by mlx-lm; 0 for none at all, which is the load."""
    memory = facts["memory"]
    whole = context // PROMPT_STEP  # steps that are full; the last of them, or the one after, has most pairs
    pairs = max(PROMPT_STEP * PROMPT_STEP * whole, (context - PROMPT_STEP * whole) * context)
    return Prediction(
        facts["weights"]["mlx_lm"]["size_bytes"],
        memory["kv_bytes_per_token"] * CACHE_STEP * math.ceil(context / CACHE_STEP),
        memory["prompt_bytes_per_token"] * min(context, PROMPT_STEP),
        memory["score_bytes_per_pair"] * pairs,
    )
