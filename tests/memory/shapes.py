"""Random models by their shapes, in float32, or packed to four bits."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tiny.files import write_json, write_shards, write_tokenizer
from ..tiny.text import SPECIALS


@dataclass(frozen=True)
class Shape:
    """`head_size` 0 stands for hidden / heads."""

    name: str
    model_type: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool = False
    head_size: int = 0
    bits: int = 32

    @property
    def each_head(self) -> int:
        return self.head_size or self.hidden // self.heads


def build(folder: Path, shape: Shape) -> Path:
    """Writes the model; gives the folder."""
    target, folder = folder, folder if shape.bits == 32 else folder.with_name(folder.name + "-float32")
    folder.mkdir(parents=True)
    write_tokenizer(folder, [], SPECIALS, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": SPECIALS[0]})
    write_json(
        folder / "config.json",
        {
            "architectures": [f"{shape.model_type.capitalize()}ForCausalLM"],
            "model_type": shape.model_type,
            "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads,
            **({"head_dim": shape.head_size} if shape.head_size else {}),
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "vocab_size": shape.vocabulary,
            "tie_word_embeddings": shape.tied,
            "torch_dtype": "float32",
        },
    )
    write_shards(folder, _weights(shape), 1)
    if shape.bits != 32:
        from mlx_lm import convert

        convert(str(folder), mlx_path=str(target), quantize=True, q_bits=shape.bits, q_group_size=64)
        shutil.rmtree(folder)
    return target


def _weights(shape: Shape) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)

    def noise(*size: int) -> np.ndarray:
        return (random.random(size, dtype=np.float32) - 0.5) * np.float32(0.05)

    wide, queries, keys = shape.hidden, shape.heads * shape.each_head, shape.kv_heads * shape.each_head
    weights = {"model.embed_tokens.weight": noise(shape.vocabulary, wide), "model.norm.weight": np.ones(wide)}
    if not shape.tied:
        weights["lm_head.weight"] = noise(shape.vocabulary, wide)
    for number in range(shape.layers):
        layer = {
            "self_attn.q_proj.weight": noise(queries, wide),
            "self_attn.k_proj.weight": noise(keys, wide),
            "self_attn.v_proj.weight": noise(keys, wide),
            "self_attn.o_proj.weight": noise(wide, queries),
            "mlp.gate_proj.weight": noise(shape.intermediate, wide),
            "mlp.up_proj.weight": noise(shape.intermediate, wide),
            "mlp.down_proj.weight": noise(wide, shape.intermediate),
            "input_layernorm.weight": np.ones(wide),
            "post_attention_layernorm.weight": np.ones(wide),
        }
        if shape.model_type == "qwen2":
            layer |= {
                f"self_attn.{name}_proj.bias": noise(size) for name, size in (("q", queries), ("k", keys), ("v", keys))
            }
        weights |= {f"model.layers.{number}.{name}": weight for name, weight in layer.items()}
    return weights
