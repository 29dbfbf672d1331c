"""What is in a document, as a model file says it.

Text stands for itself and any other value for its JSON, but for two forms that spare a file long stretches of nothing:

    {shared: NAME}                      what tests/zoo/documents/NAME holds, or NAME.xz packed, or NAME.yaml as a value
    {stand_in: bytes, added: [...]}     a small tokenizer that takes any text, with these special tokens: `bytes` as
                                        GPT-2's, `pieces` as Llama-2's; `vocab` and `merges` are what vocab.json and
                                        merges.txt hold beside one of `bytes`
"""

from __future__ import annotations

import functools
import json
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..case_files import read_yaml
from ..tiny.files import byte_letters
from .ranges import whole

SHARED = Path(__file__).parent / "documents"
MERGES = "#version: 0.2\n"


def content_of(document: Any) -> bytes:
    match document:
        case {"shared": str(name), **rest} if not rest:
            return shared(name)
        case str():
            return document.encode()
        case {"stand_in": "vocab", **rest} if not rest:
            return json_of(_letters()).encode()
        case {"stand_in": "merges", **rest} if not rest:
            return MERGES.encode()
        case {"stand_in": str(kind), "added": [*added], **rest} if not rest:
            return stand_in(kind, tuple(added)).encode()
        case _:
            return json_of(document).encode()


def json_of(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@functools.cache
def shared(name: str) -> bytes:
    file = SHARED / name
    if file.exists():
        return file.read_bytes()
    if (packed := file.with_name(f"{file.name}.xz")).exists():
        return lzma.decompress(packed.read_bytes())
    return content_of(whole(read_yaml(file.with_name(f"{file.name}.yaml"))))


@functools.cache
def stand_in(kind: str, added: Sequence[str]) -> str:
    """A tokenizer.json."""
    vocab = {"bytes": _letters, "pieces": _pieces}[kind]()
    # A token that the vocabulary holds keeps its id, as <unk>, <s> and </s> of `pieces` do.
    ids = {token: vocab[token] for token in added if token in vocab}
    ids |= {token: number for number, token in enumerate((t for t in added if t not in vocab), len(vocab))}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return json_of(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": ids[token], "content": token, **flags} for token in added],
            **(_AS_BYTES if kind == "bytes" else _AS_PIECES),
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None if kind == "bytes" else "<unk>",
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": kind == "pieces",
                "byte_fallback": kind == "pieces",
                "ignore_merges": False,
                "vocab": vocab,
                "merges": [],
            },
        }
    )


_BYTE_LEVEL = {"type": "ByteLevel", "trim_offsets": True, "use_regex": True}
_AS_BYTES = {
    "normalizer": None,
    "pre_tokenizer": _BYTE_LEVEL | {"add_prefix_space": False},
    "post_processor": None,
    "decoder": _BYTE_LEVEL | {"add_prefix_space": True},
}
_SPACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
_AS_PIECES = {
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, _SPACE]},
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": {
        "type": "Sequence",
        "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ],
    },
}


def _letters() -> dict[str, int]:
    return {letter: number for number, letter in enumerate(sorted(byte_letters()))}


def _pieces() -> dict[str, int]:
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *bytes_, "▁", *map(chr, range(33, 127))]
    return {piece: number for number, piece in enumerate(pieces)}
