"""The sound models of the truth table, and how each is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..tiny.files import write_json, write_shards, write_tokenizer
from ..tiny.speech import speech
from ..tiny.text import ANSWER, SPECIALS, TEMPLATE, text
from ..tiny.vision import TYPES, vision
from . import tensors


@dataclass(frozen=True)
class Base:
    """`lane` is text, vision or speech: what the request carries besides text; `backend` is what must load it."""

    lane: str
    backend: str
    make: Callable[[Path], object]


def _random_text(folder: Path, model_type: str, **more: Any) -> None:
    """A model by mlx-lm's own classes, random: it says nothing in particular."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = write_tokenizer(
        folder,
        [],
        SPECIALS,
        {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": SPECIALS[0], "chat_template": TEMPLATE},
    )
    config: dict[str, Any] = {
        "model_type": model_type,
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "vocab_size": max(ids.values()) + 1,
        "eos_token_id": ids[SPECIALS[0]],
        **more,
    }
    write_json(folder / "config.json", config)
    from mlx.utils import tree_flatten

    module = import_module(f"mlx_lm.models.{model_type}")
    model = module.Model(module.ModelArgs.from_dict(config))
    random = np.random.default_rng(0)
    weights = {name: random.standard_normal(tensor.shape) * 0.05 for name, tensor in tree_flatten(model.parameters())}
    write_shards(folder, weights, 1)


def _four_bit(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def made(folder: Path) -> None:
        make(folder)
        tensors.quantize(folder, bits=4, group_size=32)

    return made


def _split(make: Callable[[Path], object], shards: int) -> Callable[[Path], object]:
    def made(folder: Path) -> None:
        make(folder)
        tensors.split(folder, shards)

    return made


def _text(folder: Path, model_type: str, **more: Any) -> object:
    return text(folder, ANSWER, model_type, **more)


TEXT: dict[str, Base] = {
    name: Base("text", "mlx_lm", make)
    for name, make in {
        "llama": partial(_text, model_type="llama"),
        "llama-4bit": partial(_text, model_type="llama", quantized=True),
        "llama-2shards": partial(_text, model_type="llama", shards=2),
        "qwen2": partial(_text, model_type="qwen2"),
        "qwen2-4bit": partial(_text, model_type="qwen2", quantized=True),
        "qwen3-4bit-2shards": _split(partial(_text, model_type="qwen3", quantized=True), 2),
        "gemma": partial(_random_text, model_type="gemma"),
        "gemma-4bit": _four_bit(partial(_random_text, model_type="gemma")),
        "gemma3_text": partial(_random_text, model_type="gemma3_text", sliding_window_pattern=1, sliding_window=64),
    }.items()
}
VISION: dict[str, Base] = {name: Base("vision", "mlx_vlm", partial(vision, model_type=name)) for name in TYPES} | {
    "qwen2_vl-4bit": Base("vision", "mlx_vlm", _four_bit(partial(vision, model_type="qwen2_vl"))),
    "qwen3_vl-2shards": Base("vision", "mlx_vlm", _split(partial(vision, model_type="qwen3_vl"), 2)),
}
# The same vision models, asked with text alone: by mlx-vlm, and by mlx-lm where it has the type.
VISION_TEXT: dict[str, Base] = {
    f"{name}:text": Base("text", "mlx_vlm", VISION[name].make) for name in ("qwen2_vl", "gemma3", "smolvlm", "pixtral")
} | {
    f"{name}:mlx-lm": Base("text", "mlx_lm", VISION[name].make)
    for name in ("qwen2_vl", "qwen3_vl", "gemma3", "pixtral")
}
SPEECH: dict[str, Base] = {
    "whisper": Base("speech", "mlx_audio", partial(speech, model_type="whisper")),
    "moonshine": Base("speech", "mlx_audio", partial(speech, model_type="moonshine")),
    "whisper-2shards": Base("speech", "mlx_audio", _split(partial(speech, model_type="whisper"), 2)),
    "moonshine-4bit": Base("speech", "mlx_audio", _four_bit(partial(speech, model_type="moonshine"))),
}
BASES: dict[str, Base] = TEXT | VISION | VISION_TEXT | SPEECH
