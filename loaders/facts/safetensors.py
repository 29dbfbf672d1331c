"""The header of a safetensors file: which tensors it holds, and whether its data is all there.

The format (https://huggingface.co/docs/safetensors): 8 bytes, the header's length as a little-endian number; the
header, a JSON object of name to dtype, shape and data_offsets; then the data. What is taken for sound is what mx.load
of MLX 0.32.4 takes, tried case by case, except tensors that share bytes, which it loads and nobody meant.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import pairwise
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from .. import bounded_files

# The safetensors library's limit, and MLX's.
MAX_HEADER_BYTES = 100_000_000
# What is looked at: of published models one with 1 T parameters, in 140,000 tensors, has 18 MB of headers in 62 files.
MAX_READ_BYTES = 32 << 20
MAX_TENSORS = 300_000
_SIZES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "C64"), 8),
}
_POINTER = b"version https://git-lfs"


class Tensor(NamedTuple):
    dtype: str
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return _SIZES.get(self.dtype, 0) * prod(self.shape)


class Header(NamedTuple):
    """`fault` says why the file is of no use, as a phrase; then there are no tensors. `header_bytes` is its length.

    `unreadable`: the fault is no damage of the file; it could not be looked at.
    """

    tensors: Mapping[str, Tensor] = MappingProxyType({})
    made_by: str | None = None
    fault: str | None = None
    header_bytes: int = 0
    unreadable: bool = False


def read(path: Path, max_bytes: int = MAX_READ_BYTES, max_tensors: int = MAX_TENSORS) -> Header:
    """Reads the header alone, of so many bytes and tensors at most; never raises because of what lies there."""
    try:
        size = os.stat(path).st_size  # a stat that follows links, as the library's open does
        head = bounded_files.read(path, 8 + len(_POINTER), cut=True)
    except FileNotFoundError:
        return Header(fault="a link that leads nowhere" if path.is_symlink() else "no such file")
    except OSError as error:
        return Header(fault=bounded_files.reason(error), unreadable=True)
    if not head:
        return Header(fault="empty")
    if head.startswith(_POINTER):
        return Header(fault="a Git LFS pointer, not the file itself")
    length = int.from_bytes(head[:8], "little")
    if len(head) < 8 or not 0 < length < MAX_HEADER_BYTES:
        return Header(fault="not a safetensors file")
    if 8 + length > size:
        return Header(fault="cut off in its header")
    if length > max_bytes:
        fault = f"its header has {length} bytes, and {MAX_READ_BYTES} of a model are looked at"
        return Header(fault=fault, unreadable=True)
    try:
        content = bounded_files.read(path, 8 + length, cut=True)[8:]
    except OSError as error:
        return Header(fault=bounded_files.reason(error), unreadable=True)
    if (count := content.count(b"{")) > max_tensors + 2:  # each tensor is an object: told before all is parsed
        return Header(
            fault=f"its header tells of {count} tensors, and {MAX_TENSORS} of a model are looked at", unreadable=True
        )
    return parse(content, size - 8 - length)


def parse(header: bytes, data_bytes: int) -> Header:
    """Checks a header against so many bytes of data behind it."""
    try:
        top: Any = json.loads(header.rstrip(b"\0"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return Header(fault="a header that is not JSON", header_bytes=len(header))
    if not isinstance(top, dict):
        return Header(fault="a header that is not an object", header_bytes=len(header))
    entries = cast("dict[str, Any]", top)
    metadata = entries.pop("__metadata__", None)
    if metadata is not None and not _is_metadata(metadata):
        return Header(fault="a header whose metadata is not text", header_bytes=len(header))
    tensors: dict[str, Tensor] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in entries.items():
        fault = _fault(entry, data_bytes)
        if fault:
            return Header(fault=f"{fault}, tensor `{name[:80]}`", header_bytes=len(header))
        tensors[name] = Tensor(entry["dtype"], tuple(map(int, entry["shape"])))
        begin, end = entry["data_offsets"]
        if begin < end:
            spans.append((begin, end))
    spans.sort()
    if any(first[1] > second[0] for first, second in pairwise(spans)):
        return Header(fault="tensors that share bytes", header_bytes=len(header))
    made_by = cast("dict[str, str]", metadata or {}).get("format")
    return Header(tensors, made_by, None, len(header))


def _is_metadata(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in cast("dict[str, Any]", value).values())


def _fault(entry: Any, data_bytes: int) -> str | None:
    """What is wrong with a tensor's entry, held against the bytes that are there."""
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
    except (TypeError, KeyError, ValueError):
        return "a header that is not a safetensors header"
    if not all(type(number) in (int, float) and number >= 0 and _is_whole(number) for number in numbers):
        return "a shape or an offset that is no number"
    if not isinstance(dtype, str):
        return "a header that is not a safetensors header"
    if dtype not in _SIZES:
        return f"a data type that MLX has not, `{dtype!s:.20}`"
    if end > data_bytes:
        return "cut off in its data"
    if end - begin != _bytes(_SIZES[dtype], shape, data_bytes):
        return "a shape that does not fit its bytes"
    return None


def _is_whole(number: float) -> bool:
    return isinstance(number, int) or number.is_integer()  # neither NaN nor an infinity is


def _bytes(size: int, shape: list[int], most: int) -> int:
    """The bytes of an array, as far as it has no more than `most`: the product of a long shape would take for ever."""
    if 0 in shape:
        return 0
    for length in shape:
        size *= int(length)
        if size > most:
            break
    return size
