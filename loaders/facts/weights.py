"""The weights of a model folder: which files each backend would find, whether they are sound, and what is in them."""

from __future__ import annotations

import fnmatch
import glob
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple, cast

from .. import bounded_files
from . import plain_json, safetensors
from .safetensors import Header, Tensor

INDEX = "model.safetensors.index.json"
_MAX_INDEX_BYTES = 64 << 20
_MAX_FILES = 2_000
_MAX_LISTED = 50
_FORMATS = {
    ".safetensors": "safetensors",
    ".npz": "npz",
    ".gguf": "gguf",
    ".bin": "bin",
    ".pt": "pt",
    ".pth": "pt",
    ".ckpt": "pt",
    ".pkl": "pt",
}
# `model-00001-of-00003.safetensors`: its name tells how many there are.
_NUMBERED = re.compile(r"(.*?)-?(\d{5})-of-(\d{5})(.*)")


class Found(NamedTuple):
    """What one backend would load: `files` in its order of finding, `size_bytes` of their tensors, `faults` and
    `unreadable` as "file: reason", `missing_shards` that index or names speak of; `tensors` of the sound files."""

    files: list[str]
    size_bytes: int
    faults: list[str]
    unreadable: list[str]
    missing_shards: list[str]
    tensors: dict[str, Tensor]
    made_by: frozenset[str | None]


class Weights(NamedTuple):
    """`formats` of the folder's weight files, whoever reads them; `pickles` are files that only pickle could read."""

    formats: list[str]
    pickles: list[str]
    index_status: str
    mlx_lm: Found
    mlx_vlm: Found
    mlx_audio: Found


class _Index(NamedTuple):
    status: str
    weight_map: dict[str, str]
    fault: str | None = None


def read(folder: Path) -> Weights:
    """Looks at the root of a folder; every header is read once. Never raises because of what the folder holds."""
    names = _names(folder)
    index = _index(folder)
    shards = [name for name in names if name.endswith(".safetensors")]
    headers: dict[str, Header] = {}
    kinds = {_FORMATS[suffix] for name in names if (suffix := os.path.splitext(name)[1]) in _FORMATS}
    pickles = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl"))]

    def found(chosen: list[str], read_index: _Index | None = None) -> Found:
        return _found(folder, chosen, headers, read_index or _Index("missing", {}))

    visible = [name for name in shards if not name.startswith(".")]
    # The first two find their files by a glob over the whole path, so a folder called `x[1]` has none for them.
    globbed = [] if glob.has_magic(str(folder)) else visible
    npz = [name for name in names if name.endswith(".npz") and not name.startswith(".")]
    for_audio = globbed or ([] if glob.has_magic(str(folder)) else npz)
    by_index = _existing(folder, index)
    by_glob = [name for name in globbed if not name.endswith("consolidated.safetensors")]
    return Weights(
        sorted(kinds),
        pickles[:_MAX_LISTED],
        index.status,
        found(fnmatch.filter(globbed, "model*.safetensors")),
        found(by_index or by_glob, index),  # the only one that reads it
        found(for_audio),
    )


def _names(folder: Path) -> list[str]:
    """What lies at the root, folders and links that lead nowhere too, since a glob finds them as well; sorted."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(tuple(_FORMATS)):
                    names.append(entry.name)
                    if len(names) >= _MAX_FILES:
                        break
    except OSError:
        return []
    return sorted(names)


def _index(folder: Path) -> _Index:
    """The index of the shards. mlx-vlm goes by it, and fails on one that is JSON of another kind."""
    try:
        content = bounded_files.read(folder / INDEX, _MAX_INDEX_BYTES)
    except FileNotFoundError:
        return _Index("missing", {})
    except OSError as error:
        return _Index("unreadable", {}, bounded_files.reason(error))
    if not content:
        return _Index("empty", {})
    try:
        top: Any = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return _Index("invalid", {})
    weight_map = cast("dict[str, Any]", top).get("weight_map", {}) if isinstance(top, dict) else None
    if not isinstance(weight_map, dict):
        return _Index("not_an_object", {}, "not an object with an object `weight_map`")
    shards = cast("dict[str, Any]", weight_map)
    if not all(isinstance(shard, str) for shard in shards.values()):
        return _Index("not_an_object", {}, "a `weight_map` that names no files")
    if any(shard.startswith("/") or ".." in shard.split("/") or "\0" in shard for shard in set(shards.values())):
        return _Index("ok", {}, "a `weight_map` that leads out of the folder")
    return _Index("ok" if shards else "empty", cast("dict[str, str]", shards))


def _existing(folder: Path, index: _Index) -> list[str]:
    """The shards that the index names and that are there, told as mlx-vlm does."""
    named = sorted(set(index.weight_map.values()))[:_MAX_FILES]
    return [name for name in named if os.path.exists(f"{folder}/{name}")]  # never raises, as of too long a name


def _found(folder: Path, chosen: list[str], headers: dict[str, Header], index: _Index) -> Found:
    faults: list[str] = []
    unreadable: list[str] = []
    if index.fault:
        (unreadable if index.status == "unreadable" else faults).append(f"{INDEX}: {index.fault}")
    tensors: dict[str, Tensor] = {}
    made_by: set[str | None] = set()
    other_bytes = 0
    for name in chosen:
        if name.endswith(".npz"):
            size, fault = _unpacked(folder / name)
            other_bytes += size
            unreadable += [f"{name}: {fault}"] if fault else []
            continue
        if name not in headers:
            bytes_left = safetensors.MAX_READ_BYTES - sum(header.header_bytes for header in headers.values())
            tensors_left = safetensors.MAX_TENSORS - sum(len(header.tensors) for header in headers.values())
            headers[name] = safetensors.read(folder / name, bytes_left, tensors_left)
        if reason := headers[name].fault:
            (unreadable if headers[name].unreadable else faults).append(f"{name}: {reason}")
        else:
            made_by.add(headers[name].made_by)
        tensors |= headers[name].tensors
    if chosen and not (faults or unreadable or tensors or other_bytes):
        faults.append(f"{chosen[0]}: no tensors in it")
    size = sum(tensor.size_bytes for tensor in tensors.values()) + other_bytes
    missing = _missing(chosen, tensors, index) if chosen and not (faults or unreadable) else []
    return Found(
        [plain_json.text(name) for name in chosen],
        size,
        [plain_json.text(fault) for fault in faults[:_MAX_LISTED]],
        [plain_json.text(fault) for fault in unreadable[:_MAX_LISTED]],
        missing[:_MAX_LISTED],
        tensors,
        frozenset(made_by),
    )


def _missing(chosen: list[str], tensors: dict[str, Tensor], index: _Index) -> list[str]:
    """Shards whose tensors are nowhere: by the index, and by the numbers in the names of those that are loaded."""
    # An index that was left over from another model names tensors of parts that this one has not.
    parts = {name.partition(".")[0] for name in tensors}
    missing = {
        shard
        for name, shard in index.weight_map.items()
        if name not in tensors and shard not in chosen and name.partition(".")[0] in parts
    }
    loaded = set(chosen)
    for name in chosen:
        if match := _NUMBERED.fullmatch(name):
            head, _, count, tail = match.groups()
            dash = name[len(head) : len(head) + 1] if name[len(head) : len(head) + 1] == "-" else ""
            numbers = range(1, min(int(count), _MAX_FILES) + 1)
            missing |= {f"{head}{dash}{number:05}-of-{count}{tail}" for number in numbers} - loaded
    return sorted(plain_json.text(name) for name in missing)


def _unpacked(path: Path) -> tuple[int, str | None]:
    """The bytes of an archive's arrays as they will be in memory, and why that cannot be told."""
    import zipfile  # hardly any model has one

    if reason := bounded_files.why_unreadable(path):
        return 0, reason
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist()), None
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return os.stat(path).st_size, None  # not one that a backend opens either, which it then says
