"""Writes the model file of a folder, so that it need not be written by hand.

Usage:
  tests.zoo.take KIND FOLDER [NAME]

Run it as `python -m tests.zoo.take`. KIND is text, vision, speech or other; NAME is the folder's name where it is not
given. Weights are looked at by their headers alone, and a tokenizer becomes a stand-in with the same special tokens.
`source`, `notes` and `expect` are yours to add; `python -m tests.zoo.retake NAME --write` adds `truth`.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docopt import docopt

from .catalogue import KINDS, MODELS, SHARD_BYTES, Model, Weights
from .documents import SHARED, shared
from .notation import text
from .npz import read_npz
from .tensors import Rows, Tensor, expand, nbytes, rows_of, shards

# What is larger than this and is no JSON is data.
TEXT_BYTES = 1 << 20
DATA = {".bin", ".gguf", ".h5", ".model", ".npz", ".onnx", ".pt", ".pth"}
_SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}\.safetensors")


def take(folder: Path, kind: str, name: str | None = None) -> Model:
    """The model that `build.lay` makes such a folder of."""
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    headers = {name: read for name, file in files.items() if (read := header(file)) is not None}
    made = weights(headers, files)
    made |= {name: Weights(rows_of(read_npz(file))) for name, file in files.items() if name.endswith(".npz")}
    left = files.keys() - headers.keys() - made.keys() - {f"{name}.index.json" for name in made}
    documents = {name: read for name in files if name in left and (read := document(files[name])) is not None}
    sparse = {name: files[name].stat().st_size for name in sorted(left - documents.keys())}
    config = documents.pop("config.json", None)
    return Model(name or folder.name, kind, "", config, weights=made, sparse=sparse, files=documents)


# --- weights


def header(file: Path) -> dict[str, Any] | None:
    """What a safetensors file says of itself; None where it is none, or is cut off."""
    if file.suffix != ".safetensors":
        return None
    try:
        with file.open("rb") as opened:
            return json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    except ValueError:
        return None


def weights(headers: Mapping[str, Mapping[str, Any]], files: Mapping[str, Path]) -> dict[str, Weights]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for name, said in headers.items():
        shard = _SHARD.fullmatch(name)
        groups.setdefault(f"{shard[1]}.safetensors" if shard else name, []).append(said)
    made = {}
    for name, parts in groups.items():
        metadata = parts[0].get("__metadata__")
        tensors = [_tensors(part) for part in parts]
        rows = rows_of({key: tensor for part in tensors for key, tensor in part.items()})
        has = f"{name}.index.json" in files
        index = None if has == (len(parts) > 1) else has
        made[name] = Weights(rows, metadata, _shard_bytes(rows, tensors), index)
    return made


def _tensors(said: Mapping[str, Any]) -> dict[str, Tensor]:
    return {key: (told["dtype"], tuple(told["shape"])) for key, told in said.items() if key != "__metadata__"}


def _shard_bytes(rows: Rows, parts: Sequence[Mapping[str, Tensor]]) -> int:
    """The limit that cuts these shards, of those in use, or as many; else the largest shard's size."""
    largest = max(sum(map(nbytes, part.values())) for part in parts)
    cuts = {limit: shards(expand(rows), limit) for limit in (SHARD_BYTES, 5_000_000_000, largest)}
    same = (limit for limit, cut in cuts.items() if [part.keys() for part in cut] == [part.keys() for part in parts])
    as_many = (limit for limit, cut in cuts.items() if len(cut) == len(parts))
    return next(same, next(as_many, largest))


# --- documents


def document(file: Path) -> Any:
    """As a model file has it; None is for data, of which only the size is told."""
    is_json = file.suffix == ".json"
    if file.suffix == ".safetensors" or (not is_json and file.stat().st_size > TEXT_BYTES):
        return {"stand_in": "merges"} if file.name == "merges.txt" else None
    content = file.read_bytes()
    value: Any = content
    try:
        value = content.decode()
        value = json.loads(content) if is_json else value
    except ValueError:
        pass  # bytes that are no text, or a .json that is none
    if (name := _shared().get(_key(value))) is not None:
        return {"shared": name}
    if isinstance(value, bytes) or b"\0" in content or (file.suffix in DATA and len(content) > 100):
        return None
    if file.name == "tokenizer.json" and isinstance(value, dict) and "added_tokens" in value:
        return tokenizer(value)
    if file.name in ("vocab.json", "merges.txt") and len(content) > 1000:
        return {"stand_in": file.stem}
    return value


@functools.cache
def _shared() -> dict[str | bytes, str]:
    """The names of the shared documents by what they hold."""
    names = [file.relative_to(SHARED).as_posix() for file in sorted(SHARED.rglob("*")) if file.is_file()]
    found: dict[str | bytes, str] = {}
    for name in (name.removesuffix(".xz").removesuffix(".yaml") for name in names):
        content = shared(name)
        found[_key(json.loads(content)) if name.endswith(".json") else content] = name
    return found


def _key(value: Any) -> str | bytes:
    return (
        value.encode()
        if isinstance(value, str)
        else value
        if isinstance(value, bytes)
        else json.dumps(value, sort_keys=True)
    )


def tokenizer(said: Mapping[str, Any]) -> dict[str, Any]:
    """The stand-in of a tokenizer.json."""
    kind = "bytes" if '"ByteLevel"' in json.dumps([said.get("pre_tokenizer"), said.get("decoder")]) else "pieces"
    return {"stand_in": kind, "added": [token["content"] for token in said["added_tokens"]]}


def main(words: list[str]) -> int:
    said = docopt(__doc__ or "", words)
    folder = Path(said["FOLDER"])
    if said["KIND"] not in KINDS or not folder.is_dir():
        print(f"a KIND ({', '.join(KINDS)}) and a folder, please", file=sys.stderr)
        return 2
    model = take(folder, said["KIND"], said["NAME"] or folder.resolve().name)
    file = MODELS / model.kind / f"{model.name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text(model), "utf-8")
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
