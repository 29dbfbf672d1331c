"""A request's `logit_bias` and `top_k` reach no further than the tokens that the model has.

mlx-lm 0.32.2 and mlx-vlm add a bias at the place that a request names, and MLX checks no bounds: a token beyond the
vocabulary writes into other memory of the process. A `top_k` of the vocabulary's size or more ends the thread that
answers all requests, where it cuts nothing off. How many tokens there are is told by the logits alone.
"""

from __future__ import annotations

import sys
from typing import Any


def keep_to_the_vocabulary(package: str) -> None:
    """Let the modules of a backend's package that are imported by now leave out what is beyond the vocabulary."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}."):
            for function, bounded in (("make_logits_processors", _processors), ("apply_top_k", _top_k)):
                if hasattr(module, function):
                    setattr(module, function, bounded(getattr(module, function)))


def _processors(make: Any) -> Any:
    def processors(logit_bias: dict[int, float] | None = None, *more: Any, **options: Any) -> list[Any]:
        made = make(None, *more, **options)
        return [_bias(make, logit_bias), *made] if logit_bias else made

    return processors


def _bias(make: Any, logit_bias: dict[int, float]) -> Any:
    made: dict[int, list[Any]] = {}  # by the size of the vocabulary, which is one for all tokens of an answer

    def add(tokens: Any, logits: Any) -> Any:
        size = logits.shape[-1]
        if size not in made:
            made[size] = make({token: bias for token, bias in logit_bias.items() if 0 <= token < size})
        for one in made[size]:
            logits = one(tokens, logits)
        return logits

    return add


def _top_k(apply: Any) -> Any:
    def applied(logprobs: Any, top_k: int) -> Any:
        return apply(logprobs, top_k) if top_k < logprobs.shape[-1] else logprobs

    return applied
