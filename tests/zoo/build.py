"""Lays a model out as a folder: its documents, and weight files of a true header and nothing but length behind it.

Usage:
  tests.zoo.build FOLDER [NAME]...
  tests.zoo.build (-h | --help)

Run it as `python -m tests.zoo.build`. Without a NAME all models are laid out below FOLDER; a NAME may end in `*`.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from docopt import docopt

from .catalogue import Model, Weights, named
from .documents import content_of, json_of
from .npz import lay_npz
from .tensors import Tensor, expand, nbytes, shards


def lay(model: Model, folder: Path) -> None:
    """Makes the folder. Its files are sparse: terabytes of weights take the room of their headers."""
    if model.config is not None:
        _write(folder / "config.json", json_of(model.config).encode())
    for name, document in model.files.items():
        _write(folder / name, content_of(document))
    for name, weights in model.weights.items():
        lay_weights(folder / name, weights)
    for name, size in model.sparse.items():
        _write(folder / name, b"", size)


def lay_weights(file: Path, weights: Weights) -> None:
    """model.safetensors, or model-00001-of-00002.safetensors, the next, and model.safetensors.index.json."""
    tensors = expand(weights.tensors)
    if file.suffix == ".npz":
        lay_npz(file, tensors)
        return
    parts = shards(tensors, weights.shard_bytes) or [{}]
    stem = file.name.removesuffix(".safetensors")
    places: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        name = f"{stem}-{number:05}-of-{len(parts):05}.safetensors" if len(parts) > 1 else file.name
        text, length = header(part, weights.metadata)
        _write(file.with_name(name), text, length)
        places |= dict.fromkeys(part, name)
    if weights.index if weights.index is not None else len(parts) > 1:
        total = sum(map(nbytes, tensors.values()))
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
        # Without indents: the standard library writes those ten times slower, and there are hundreds of thousands.
        _write(file.with_name(f"{file.name}.index.json"), json.dumps(index).encode())


def header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None) -> tuple[bytes, int]:
    """How a safetensors file begins, and how long the whole file is."""
    entries = [f'"__metadata__":{json.dumps(metadata)}'] if metadata is not None else []
    offset = 0
    for name, tensor in tensors.items():
        end = offset + nbytes(tensor)
        # By hand, as most of the time goes to this; names are plain.
        entries.append(f'"{name}":{{{_said(tensor)},"data_offsets":[{offset},{end}]}}')
        offset = end
    text = ("{" + ",".join(entries) + "}").encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, 8 + len(text) + offset


@functools.cache
def _said(tensor: Tensor) -> str:
    dtype, shape = tensor
    return f'"dtype":"{dtype}","shape":[{",".join(map(str, shape))}]'


def _write(file: Path, content: bytes, size: int | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.write(content)
        if size is not None:
            opened.truncate(size)


def main(words: list[str]) -> int:
    said = docopt(__doc__ or "", words)
    chosen = list(named(*(said["NAME"] or ["*"])))
    for model in chosen:
        lay(model, Path(said["FOLDER"]) / model.name)
        print(model.name)
    return 0 if chosen else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
