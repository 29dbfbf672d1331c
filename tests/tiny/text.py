"""Text models for mlx-lm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import chain
from .files import Weights, write_json, write_shards, write_tokenizer

SPECIALS = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
ANSWER = "The sky is blue and the sea is too."


def text(
    folder: Path,
    answer: str = ANSWER,
    model_type: str = "llama",
    *,
    quantized: bool = False,
    shards: int = 1,
    chat_template: bool = True,
    layers: int = 1,
    key_value_heads: int = 1,
) -> Path:
    """Writes a model of type llama, mistral, qwen2 or qwen3 that answers `answer` to anything; gives the folder."""
    target = folder
    if quantized:
        folder = folder.with_name(folder.name + "-float32")
    folder.mkdir(parents=True, exist_ok=True)
    words = chain.pieces(answer)
    tokenizer: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": SPECIALS[0],
        "pad_token": SPECIALS[0],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 512,
    }
    if chat_template:
        tokenizer["chat_template"] = TEMPLATE
    ids = write_tokenizer(folder, words, SPECIALS, tokenizer)
    tokens = [ids[word] for word in words]
    vocabulary, width = max(ids.values()) + 1, chain.directions(tokens)
    config = _config(model_type, vocabulary, width, ids[SPECIALS[0]])
    config |= {"num_hidden_layers": layers, "num_key_value_heads": key_value_heads}
    write_json(folder / "config.json", config)
    rows, output = chain.embeddings(tokens, ids[SPECIALS[0]], vocabulary, width)
    write_shards(folder, _weights(model_type, rows, output, layers, key_value_heads), shards)
    return _in_four_bits(folder, target) if quantized else folder


def _config(model_type: str, vocabulary: int, width: int, end: int) -> dict[str, Any]:
    architecture = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}[model_type]
    return {
        "architectures": [f"{architecture}ForCausalLM"],
        "model_type": model_type,
        "hidden_size": width,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": width // 2,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "vocab_size": vocabulary,
        "tie_word_embeddings": False,
        "eos_token_id": end,
        "torch_dtype": "float32",
    }


def _weights(
    model_type: str, rows: np.ndarray, output: np.ndarray, layers: int = 1, key_value_heads: int = 1
) -> Weights:
    width = rows.shape[1]
    half = width // 2
    values = half * key_value_heads

    def noise(*shape: int) -> np.ndarray:
        # Whole numbers and one division: the same bytes on any machine and with any numpy.
        numbers = np.arange(1, 1 + int(np.prod(shape)), dtype=np.int64) * 2654435761 % 1021
        return ((numbers - 510) / 25600).reshape(shape)

    layer = {
        "self_attn.q_proj.weight": noise(width, width),
        "self_attn.k_proj.weight": noise(values, width),
        "self_attn.v_proj.weight": noise(values, width),
        "self_attn.o_proj.weight": np.zeros((width, width)),
        "mlp.gate_proj.weight": noise(32, width),
        "mlp.up_proj.weight": noise(32, width),
        "mlp.down_proj.weight": np.zeros((width, 32)),
        "input_layernorm.weight": np.ones(width),
        "post_attention_layernorm.weight": np.ones(width),
    }
    if model_type == "qwen2":
        layer |= {
            f"self_attn.{name}_proj.bias": np.zeros(size) for name, size in (("q", width), ("k", values), ("v", values))
        }
    if model_type == "qwen3":
        layer |= {f"self_attn.{name}_norm.weight": np.ones(half) for name in "qk"}
    return {
        "model.embed_tokens.weight": rows,
        "model.norm.weight": np.ones(width),
        "lm_head.weight": output,
        **{f"model.layers.{number}.{name}": one for number in range(layers) for name, one in layer.items()},
    }


def _in_four_bits(source: Path, target: Path) -> Path:
    from mlx_lm import convert

    convert(str(source), mlx_path=str(target), quantize=True, q_bits=4, q_group_size=32)
    return target
