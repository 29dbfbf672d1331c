"""The files that every model folder has, written the same way byte for byte by any version of any library."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Weights = Mapping[str, np.ndarray]


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_safetensors(path: Path, weights: Weights) -> None:
    """float32 tensors, in the order of their names."""
    header: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    chunks: list[bytes] = []
    offset = 0
    for name in sorted(weights):
        chunk = np.ascontiguousarray(weights[name], dtype="<f4").tobytes()
        shape = list(weights[name].shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(chunk)]}
        offset += len(chunk)
        chunks.append(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(chunks))


def write_shards(folder: Path, weights: Weights, shards: int) -> None:
    """model.safetensors, or that many shards and their index."""
    if shards == 1:
        write_safetensors(folder / "model.safetensors", weights)
        return
    weight_map: dict[str, str] = {}
    names = sorted(weights)
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = {name: weights[name] for name in names[number::shards]}
        write_safetensors(folder / file, part)
        weight_map |= dict.fromkeys(part, file)
    total = sum(int(np.prod(weight.shape)) * 4 for weight in weights.values())
    write_json(
        folder / "model.safetensors.index.json",
        {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))},
    )


def byte_letters() -> list[str]:
    """The 256 letters by which a byte-level tokenizer writes bytes (`Ġ` for a space), in the order of the bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


def write_tokenizer(
    folder: Path, words: Sequence[str], specials: Sequence[str], config: Mapping[str, Any]
) -> dict[str, int]:
    """A byte-level tokenizer that takes any text; every word and every special is one token.

    Ids: 256 bytes, the words, the specials. Gives the ids of words and specials.
    """
    letters = byte_letters()
    spelled = ["".join(letters[byte] for byte in word.encode()) for word in words]
    ids = {letter: number for number, letter in enumerate([*letters, *spelled])}
    special_ids = {special: 256 + len(words) + number for number, special in enumerate(specials)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write_json(
        folder / "tokenizer.json",
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": number, "content": word, **flags} for word, number in special_ids.items()],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": None,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": ids,
                "merges": [],
            },
        },
    )
    write_json(folder / "tokenizer_config.json", config)
    return {word: ids[spelling] for word, spelling in zip(words, spelled, strict=True)} | special_ids
