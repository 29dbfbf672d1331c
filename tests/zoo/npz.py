"""weights.npz, as conversions of whisper have it: a zip of .npy files, with true headers and zeros behind them."""

from __future__ import annotations

import ast
import functools
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from .tensors import Tensor, nbytes

_KINDS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U32": "<u4", "U8": "|u1"}
_MAGIC = b"\x93NUMPY\x01\x00"
# Nothing packed, 1980-01-01.
_LOCAL, _CENTRAL = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _DATE = 20, 0x21
_ZEROS = memoryview(bytes(1 << 20))


def lay_npz(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """At most 4 GiB."""
    directory, offset = b"", 0
    with file.open("wb") as opened:
        for name, tensor in tensors.items():
            header, entry = _npy(tensor), f"{name}.npy".encode()
            size = len(header) + nbytes(tensor)
            same = (0, 0, 0, _DATE, _checksum(tensor), size, size, len(entry), 0)
            opened.seek(offset)
            opened.write(_LOCAL.pack(b"PK\x03\x04", _VERSION, *same) + entry + header)
            directory += _CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, *same, 0, 0, 0, 0, offset) + entry
            offset += _LOCAL.size + len(entry) + size
        opened.seek(offset)
        opened.write(directory)
        opened.write(_END.pack(b"PK\x05\x06", 0, 0, len(tensors), len(tensors), len(directory), offset, 0))


def _npy(tensor: Tensor) -> bytes:
    said = repr({"descr": _KINDS[tensor[0]], "fortran_order": False, "shape": tensor[1]})
    text = said.ljust(117) + "\n"
    return _MAGIC + struct.pack("<H", len(text)) + text.encode()


@functools.cache
def _checksum(tensor: Tensor) -> int:
    checksum, left = zlib.crc32(_npy(tensor)), nbytes(tensor)
    while left > 0:
        checksum = zlib.crc32(_ZEROS[:left], checksum)
        left -= len(_ZEROS)
    return checksum


def read_npz(file: Path) -> dict[str, Tensor]:
    """What its headers say."""
    kinds = {descr: kind for kind, descr in _KINDS.items()}
    found: dict[str, Tensor] = {}
    with zipfile.ZipFile(file) as zipped:
        for name in zipped.namelist():
            with zipped.open(name) as opened:
                length = struct.unpack("<H", opened.read(len(_MAGIC) + 2)[-2:])[0]
                said = ast.literal_eval(opened.read(length).decode())
            found[name.removesuffix(".npy")] = (kinds[said["descr"]], said["shape"])
    return found
