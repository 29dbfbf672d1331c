"""The pieces of an .npz that tell its arrays: the directory at its end, and each array's own header."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

_TAIL_BYTES = 256 << 10
_MAX_TAIL_BYTES = 8 << 20
_MAX_ARRAYS = 4_000
# The local header, the name and its extra field, and NumPy's header, which is 128 bytes for any plain array.
_HEADER_BYTES = 512

Read = Callable[[int, int], bytes]


def spans(read: Read, size: int) -> Iterator[tuple[int, bytes | int]]:
    """Pieces that were read, each as its place and content; then those still to be read, each as its place and end.

    `read(begin, end)` gives bytes of the file of `size` bytes. What is no zip has the piece at its end alone.
    """
    tail_bytes = min(size, _TAIL_BYTES)
    while True:
        tail = read(size - tail_bytes, size)
        yield size - tail_bytes, tail
        try:
            with zipfile.ZipFile(_Tail(tail, size)) as archive:
                members = archive.infolist()
            break
        except _Before:
            if tail_bytes in (size, _MAX_TAIL_BYTES):
                return
            tail_bytes = min(size, _MAX_TAIL_BYTES)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
            return
    for member in members[:_MAX_ARRAYS]:
        begin = member.header_offset
        if member.filename.endswith(".npy") and 0 <= begin < size - tail_bytes:
            yield begin, min(size - tail_bytes, begin + _HEADER_BYTES + len(member.filename))


class _Before(Exception):
    """The directory begins before what is there."""


class _Tail(io.RawIOBase):
    """A file of which only the end is there."""

    def __init__(self, tail: bytes, size: int) -> None:
        self._tail, self._size, self._at = tail, size, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._size)[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        begin = self._size - len(self._tail)
        if self._at < begin:
            raise _Before
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        found = self._tail[self._at - begin : end - begin]
        self._at = max(self._at, end)
        return found
