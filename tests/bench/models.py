"""A Hugging Face cache of many models, made on disk: real configs and safetensors headers, weights that are holes."""

from __future__ import annotations

import hashlib
import itertools
import json
import string
import struct
from pathlib import Path
from typing import Any

Config = dict[str, Any]

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "vocab_size": 32000,
}
_VISION = {"depth": 32, "hidden_size": 1280, "in_channels": 3, "num_heads": 16, "patch_size": 14}
_QUANTIZED = {"quantization": {"bits": 4, "group_size": 64}}
# What a cache holds, by turns: type, its config, what else lies beside it.
_KINDS: tuple[tuple[str, Config, tuple[str, ...]], ...] = (
    ("llama", LLAMA | _QUANTIZED, ()),
    ("mistral", LLAMA | _QUANTIZED, ()),
    ("qwen2", LLAMA | _QUANTIZED, ()),
    ("qwen3", LLAMA | _QUANTIZED | {"head_dim": 128}, ()),
    ("qwen2_vl", LLAMA | _QUANTIZED | {"vision_config": _VISION}, ("preprocessor_config.json",)),
    ("llama", LLAMA, ()),
    ("whisper", {"num_mel_bins": 80, "n_audio_ctx": 1500, "d_model": 384}, ("preprocessor_config.json",)),
    ("unheard_of", LLAMA, ()),
)


def make_cache(hub: Path, count: int) -> list[str]:
    """Make `count` cached models below `hub`, as huggingface_hub lays them out; return their names."""
    names: list[str] = []
    for number in range(count):
        kind, config, beside = _KINDS[number % len(_KINDS)]
        owner = "mlx-community" if number % 2 else "example"
        name = f"{owner}/{kind.replace('_', '-')}-{number}-instruct-4bit"
        texts = {file: json.dumps(_PREPROCESSOR[kind]) for file in beside}
        make_model(hub, name, {"model_type": kind, **config}, tokenizer(100), texts)
        names.append(name)
    return names


def make_model(hub: Path, name: str, config: Config, tokenizer: str, texts: dict[str, str]) -> Path:
    """Make one cached model: snapshots of links into blobs, weights of four gigabytes without a byte of data."""
    repo = hub / f"models--{name.replace('/', '--')}"
    commit = hashlib.sha1(name.encode()).hexdigest()
    snapshot = repo / "snapshots" / commit
    for folder in (snapshot, repo / "blobs", repo / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    (repo / "refs" / "main").write_text(commit)
    texts = {
        "config.json": json.dumps(config),
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": json.dumps({"chat_template": "{{ messages }}", "tokenizer_class": "LlamaTokenizer"}),
        "README.md": f"---\ntags:\n- mlx\nlibrary_name: mlx\n---\n# {name}\n",
        **texts,
    }
    for file, text in texts.items():
        blob = repo / "blobs" / hashlib.sha1(text.encode()).hexdigest()
        blob.write_text(text, "utf-8")
        _link(snapshot / file, blob)
    weights = repo / "blobs" / hashlib.sha256(name.encode()).hexdigest()
    header, size = _header(config)
    with weights.open("wb") as output:
        output.write(struct.pack("<Q", len(header)) + header)
        output.truncate(8 + len(header) + size)
    _link(snapshot / "model.safetensors", weights)
    return snapshot


def tokenizer(words: int) -> str:
    """A sound tokenizer.json with so many words, each the merge of two shorter ones; 680,000 make 16 MiB."""
    letters = string.ascii_lowercase + string.digits
    pairs = [one + other for one in letters for other in letters]
    fours = itertools.islice((one + other for one in pairs for other in pairs), max(0, words - len(pairs)))
    made = [*pairs, *fours]
    half = [(word[: len(word) // 2], word[len(word) // 2 :]) for word in made]
    vocabulary = {word: number for number, word in enumerate([*letters, *made])}
    model = {"type": "BPE", "vocab": vocabulary, "merges": [" ".join(parts) for parts in half]}
    return json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": None, "decoder": None, "model": model})


def _link(place: Path, blob: Path) -> None:
    place.unlink(missing_ok=True)
    place.symlink_to(Path("..") / ".." / "blobs" / blob.name)


def _header(config: Config) -> tuple[bytes, int]:
    hidden = config.get("hidden_size", 384)
    inner = config.get("intermediate_size", 4 * hidden)
    keys = hidden // config.get("num_attention_heads", 6) * config.get("num_key_value_heads", 6)
    shapes = {"model.embed_tokens.weight": [config.get("vocab_size", 51865), hidden], "model.norm.weight": [hidden]}
    for layer in range(config.get("num_hidden_layers", 4)):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{part}_proj.weight": [hidden, hidden] for part in "qo"}
        shapes |= {f"{at}.self_attn.{part}_proj.weight": [keys, hidden] for part in "kv"}
        shapes |= {f"{at}.mlp.{part}_proj.weight": [inner, hidden] for part in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": [hidden, inner]}
        shapes |= {f"{at}.{part}_layernorm.weight": [hidden] for part in ("input", "post_attention")}
    shapes["lm_head.weight"] = shapes["model.embed_tokens.weight"]
    header: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    end = 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return text + b" " * (-len(text) % 8), end


_PREPROCESSOR: dict[str, Config] = {
    "qwen2_vl": {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "temporal_patch_size": 2},
    "whisper": {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80},
}
