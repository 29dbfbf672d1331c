"""The shape of a model folder: its small files as they are, its weights as true headers with no data behind them.

MLX reads tensors when they are needed, so a backend takes such a folder for the real one until it computes. It is a
copy because mlx-vlm rewrites headers of F8_E8M0 files in place. Code and pickles stay behind, so nobody can run them.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path

from .. import bounded_files
from ..backends.remote_code import is_code_or_pickle
from ..facts.folder import Walk

# Larger than any tokenizer.json, which reach 35 MB.
_COPIED_BYTES = 64 << 20
# 140,000 tensors have 20 MB of headers.
_ALL_COPIED_BYTES = 512 << 20
_MAX_FILES = 4_000
_MAX_DEPTH = 3
_NPY_HEADER_BYTES = 10_000
# What a file system without sparse files would write, beyond the header: one block is no sign of it.
_SPARE_BYTES = 1 << 20
_SAFETENSORS = {
    "float16": "F16", "float32": "F32", "float64": "F64", "uint8": "U8", "uint16": "U16", "uint32": "U32",
    "uint64": "U64", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "bool": "BOOL",
}  # fmt: skip


class NoShape(Exception):
    """The folder's shape cannot be made, through no fault of the folder; the text says why."""


def lay(source: str, target: Path) -> None:
    """Lays the shape of the folder `source` into the new folder `target`.

    A file that cannot be read is left out, as if it were not there: whoever asks has looked at that before. Raises
    NoShape where the folder is too large for that, or the file system keeps no sparse files; OSError where `target`
    cannot be written.
    """
    target.mkdir()
    left = _ALL_COPIED_BYTES
    names = list(_names(source))
    has_safetensors = any(name.endswith(".safetensors") and "/" not in name for name in names)
    for name in names:
        made = target / name
        try:
            content, size = _content(f"{source}/{name}", has_safetensors or "/" in name)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            continue
        if content is None:
            continue
        left -= len(content)
        if left < 0:
            raise NoShape(f"its files without the tensors take more than {_ALL_COPIED_BYTES >> 20} MiB")
        made.parent.mkdir(parents=True, exist_ok=True)
        _sparse(made.with_suffix(".safetensors") if name.endswith(".npz") else made, content, size)


def _content(source: str, without_npz: bool) -> tuple[bytes | None, int]:
    """What is copied of a file, and the size that it is to have; None for one that stays behind.

    An .npz is kept as safetensors, which mlx-audio takes for the same: only one that it would read at all.
    """
    if source.endswith(".safetensors"):
        # What is no header is copied as it is, as far as a reader would look: the library then says what is wrong.
        length = int.from_bytes(bounded_files.read(source, 8, cut=True), "little")
        return bounded_files.read(source, 8 + min(length, _COPIED_BYTES), cut=True), os.stat(source).st_size
    if source.endswith(".npz"):
        return (None, 0) if without_npz else _arrays(source)
    content = bounded_files.read(source, _COPIED_BYTES)
    return content, len(content)


def _names(source: str) -> Iterator[str]:
    for number, (name, _) in enumerate(Walk(source, _MAX_FILES, _MAX_DEPTH)):
        if number == _MAX_FILES - 1:
            raise NoShape(f"it holds more than {_MAX_FILES} files")
        if not is_code_or_pickle(name):
            yield name


def _arrays(source: str) -> tuple[bytes, int]:
    """The arrays of an .npz, told from their own headers, as the header of a safetensors file; and that file's size."""
    from numpy.lib import format as npy

    header: dict[str, dict[str, object]] = {}
    at = 0
    with zipfile.ZipFile(source) as archive:
        for member in archive.namelist()[: _ALL_COPIED_BYTES >> 12]:
            if not member.endswith(".npy"):
                continue
            with archive.open(member) as stream:
                version = npy.read_magic(stream)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(stream, max_header_size=_NPY_HEADER_BYTES)
            if dtype.name not in _SAFETENSORS:
                raise ValueError(f"an array of {dtype.name}")
            length = dtype.itemsize * prod(shape)
            header[member.removesuffix(".npy")] = {
                "dtype": _SAFETENSORS[dtype.name], "shape": list(shape), "data_offsets": [at, at + length],
            }  # fmt: skip
            at += length
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text, 8 + len(text) + at


def _sparse(target: Path, content: bytes, size: int) -> None:
    with target.open("wb") as file:
        file.write(content[:size])
        file.truncate(size)
        file.flush()
        taken = os.fstat(file.fileno()).st_blocks * 512
    if taken > len(content) + _SPARE_BYTES:
        raise NoShape("the folder for temporary files keeps no sparse files (TMPDIR names another)")
