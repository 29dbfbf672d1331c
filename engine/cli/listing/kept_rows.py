"""What was told of cached models, kept in one file, and believed for each that is what it was.

The file is read and written in one go and in the order of the models, so that of thousands one is in memory. It begins
with its grounds: what all of it depends on besides the models, which the caller judges. Every piece has a checksum, and
what follows a broken one is not read.
"""

from __future__ import annotations

import marshal
import os
import struct
from binascii import crc32
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from ....loaders.resolving import stamp
from ....loaders.resolving.stamp import Stamp
from ...storage import cache_folder

_FOLDER = "rows"
_MAX_FILES = 16
_MAX_BYTES = 128 << 20
_MAX_PIECE = 8 << 20
_BLOCK = 1 << 16
_FRAME = struct.Struct("<II")  # length, checksum
_MAGIC = b"mlxk-rules rows 1\n"

Row = tuple[Any, ...]


class Kept(NamedTuple):
    """A row; the piece of a file that says it again, None where it is not to be kept; where in the file that was read
    the piece ends, 0 where it is new."""

    row: Row
    piece: bytes | None
    end: int = 0


def piece_of(name: str, repo: str, taken: Stamp, row: Row) -> bytes:
    """What is written of one model, whose stamp was taken before anything of it was read."""
    return _framed((name, repo, tuple(taken), row))


class Reader:
    """Reads the file of that name, if there is one whose grounds are `believed`."""

    def __init__(self, name: str, believed: Callable[[Any], bool]) -> None:
        self._file: BinaryIO | None = cache_folder.opened(f"{_FOLDER}/{name}", _MAX_BYTES)
        self._end = 0
        self._waiting: tuple[bytes, str, str, Stamp, Row] | None = None
        self.believed = False
        self.first = 0  # where the first model's piece begins
        try:
            if self._file is not None and self._file.read(len(_MAGIC)) == _MAGIC:
                self._end = len(_MAGIC)
                found = self._piece()
                self.believed = found is not None and believed(marshal.loads(found[_FRAME.size :]))
        except (OSError, ValueError, EOFError, TypeError):
            pass
        self.first = self._end
        if self.believed:
            self._go_on()
        else:
            self.close()

    def close(self) -> None:
        """Ends the reading."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def get(self, name: str, repo: str) -> Kept | None:
        """What is kept of the model of that name, which is asked for in the order of names; None where it is not."""
        while self._waiting is not None and self._waiting[1] < name:
            self._go_on()  # it is no more
        if self._waiting is None or self._waiting[2] != repo or self._waiting[1] != name:
            return None
        piece, _, _, taken, row = self._waiting
        kept_one = Kept(row, piece, self._end)
        self._go_on()
        return kept_one if stamp.holds(repo, taken) else None

    def beginning(self, end: int) -> Iterator[bytes]:
        """Yields the file so far."""
        at = 0
        while (
            self._file is not None and at < end and (block := os.pread(self._file.fileno(), min(end - at, _BLOCK), at))
        ):
            yield block
            at += len(block)

    def _go_on(self) -> None:
        self._waiting = None
        try:
            if piece := self._piece():
                name, repo, taken, row = marshal.loads(piece[_FRAME.size :])
                self._waiting = piece, name, repo, Stamp(*taken), row
        except (OSError, ValueError, EOFError, TypeError):
            pass

    def _piece(self) -> bytes | None:
        frame = self._file.read(_FRAME.size) if self._file is not None else b""
        if self._file is None or len(frame) != _FRAME.size:
            return None
        length, checksum = _FRAME.unpack(frame)
        if length > _MAX_PIECE:
            return None
        content = self._file.read(length)
        self._end += _FRAME.size + length
        return frame + content if len(content) == length and crc32(content) == checksum else None


class Writer:
    """Writes that file anew, from the first row that is new. `finish` puts it in place; as a context it ends both.

    `grounds` are asked for where there was no file to believe; None says that nothing is to be kept.
    """

    def __init__(self, name: str, reader: Reader, grounds: Callable[[], Any]) -> None:
        self._name, self._reader, self._grounds = name, reader, grounds
        self._draft: cache_folder.Draft | None = None
        self._end = 0
        self._is_off = False

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        if self._draft is not None:
            self._draft.__exit__()

    def add(self, one: Kept) -> None:
        """Adds the next model's row."""
        if one.piece is None or self._is_off:
            return
        if self._draft is None and one.end:
            self._end = one.end  # it is in the file that is there
            return
        if self._draft is None:
            self._begin()
        if self._draft is not None and len(one.piece) < _MAX_PIECE:
            self._draft.write(one.piece)

    def finish(self) -> None:
        """Puts it in place of the one before."""
        if self._draft is not None:
            self._draft.finish(keep=_MAX_FILES)

    def _begin(self) -> None:
        blocks: Iterable[bytes] = ()
        if self._reader.believed:
            blocks = self._reader.beginning(max(self._end, self._reader.first))
        elif (grounds := self._grounds()) is not None:
            blocks = _MAGIC, _framed(grounds)
        draft = cache_folder.Draft.begin(f"{_FOLDER}/{self._name}") if blocks else None
        self._draft, self._is_off = draft, draft is None
        if draft is not None:
            for block in blocks:
                draft.write(block)


def _framed(value: Any) -> bytes:
    content = marshal.dumps(value)
    return _FRAME.pack(len(content), crc32(content)) + content
