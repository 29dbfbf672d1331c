"""Tiny language models of types that mlx-vlm has and mlx-lm has not (or cannot load), made by mlx-vlm's own classes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from ..tiny.files import write_json, write_safetensors, write_tokenizer
from ..tiny.text import SPECIALS, TEMPLATE

_VOCABULARY = 256 + len(SPECIALS)
_SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": _VOCABULARY,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "norm_topk_prob": True}
_QWEN = {
    "head_dim": 16,
    "full_attention_interval": 2,
    "linear_num_value_heads": 2,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "tie_word_embeddings": False,
}
TYPES: dict[str, dict[str, Any]] = {
    "cohere2_moe": {**_SIZES, **_EXPERTS, "head_dim": 16, "sliding_window": 64, "num_shared_experts": 1},
    "klear": {
        **_SIZES,
        **_EXPERTS,
        "attention_bias": False,
        "mlp_only_layers": [],
        "decoder_sparse_step": 1,
        "n_shared_experts": 1,
        "moe_intermediate_size": 32,
        "rope_theta": 10000.0,
    },
    "lille_130m": {
        "n_embd": 64,
        "n_head": 4,
        "n_kv_heads": 2,
        "n_layer": 2,
        "block_size": 256,
        "vocab_size": _VOCABULARY,
    },
    "nemotron_nas": {
        **{name: size for name, size in _SIZES.items() if name not in ("intermediate_size", "num_key_value_heads")},
        "block_configs": [
            {"attention": {"n_heads_in_group": 2}, "ffn": {"ffn_mult": 1.0}},
            {"attention": {"no_op": True}, "ffn": {"ffn_mult": 1.0}},
        ],
    },
    "olmo": {
        "d_model": 64,
        "n_layers": 2,
        "n_heads": 4,
        "mlp_hidden_size": 128,
        "vocab_size": _VOCABULARY,
        "embedding_size": _VOCABULARY,
    },
    "qwen3_5_text": {**_SIZES, **_QWEN},
}


def language(folder: Path, model_type: str) -> Path:
    """Writes a model of one of TYPES with random weights; gives the folder."""
    import mlx.core as mx
    import numpy as np
    from mlx.utils import tree_flatten

    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": model_type, "eos_token_id": 256, **TYPES[model_type]}
    classes = import_module(f"mlx_vlm.models.{model_type}")
    random = np.random.default_rng(0)
    weights: dict[str, np.ndarray] = {}
    for name, tensor in tree_flatten(classes.Model(classes.ModelConfig.from_dict(dict(config))).parameters()):
        assert mx.issubdtype(tensor.dtype, mx.floating)
        weights[name] = np.ones(tensor.shape) if tensor.ndim == 1 else random.standard_normal(tensor.shape) * 0.02
    write_safetensors(folder / "model.safetensors", weights)
    write_json(folder / "config.json", config)
    write_tokenizer(
        folder,
        [],
        SPECIALS,
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": SPECIALS[0],
            "pad_token": SPECIALS[0],
            "clean_up_tokenization_spaces": False,
            "model_max_length": 512,
            "chat_template": TEMPLATE,
        },
    )
    return folder
