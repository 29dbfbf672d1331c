"""What config.json says of a model beside its weights, and what of that the model which was built does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

# What configs call the number of attention heads.
HEADS = ("num_attention_heads", "n_heads", "n_head", "num_heads")
_LANGUAGE = ("text_config", "llm_config", "language_config", "thinker_config")
_CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx")


def language(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a config that speaks of the language model: nested in most multimodal ones."""
    for name in _LANGUAGE:
        inner = config.get(name)
        if isinstance(inner, dict) and inner:
            return language(inner)
    return config


def context_tokens(config: Mapping[str, Any]) -> int | None:
    """The longest context, in tokens, that a config names."""
    for part in (language(config), config):
        for name in _CONTEXT:
            value = part.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def ignored(model: Any, config: Mapping[str, Any]) -> list[str]:
    """The bases of rotary positions that config.json gives and no layer of the model has, by their names there.

    A model that runs with another base answers nonsense, and no library says a word: newer configs keep it in
    `rope_parameters`, which older model classes do not read. Nothing is said where a layer does not tell its base.
    """
    rope: Any = import_module("mlx.nn").RoPE
    bases: set[float] = set()
    for name, part in model.named_modules():
        last = name.rpartition(".")[2]
        if isinstance(part, rope):
            bases.add(float(part.base))
        elif "rope" in last or "rotary" in last:
            return []  # of a kind of its own
    wanted = dict(_bases(language(config), ""))
    return sorted(name for name, base in wanted.items() if base not in bases) if bases else []


def _bases(config: Mapping[str, Any], above: str) -> Iterator[tuple[str, float]]:
    for name, value in config.items():
        path = f"{above}{name}"
        if name == "rope_theta" and isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value)
        elif isinstance(value, dict) and (name == "rope_parameters" or above):
            yield from _bases(value, f"{path}.")
