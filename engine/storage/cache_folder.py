"""Files in the user's cache folder, for what takes long to find out and is found out again and again.

A file is believed only where it is a regular one of this user's that nobody else may write, and whole; what it says of
itself is for the caller to check. Plain values are kept by marshal, as Python's own cache is: json's import alone costs
a start 1 ms. It is written whole or not at all. A place that cannot be written is no error.
MLXK_RULES_NO_CACHE=1 turns all of it off.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
import time
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, TypeVar

    Kind = TypeVar("Kind")

_MAGIC = f"mlxk-rules kept 1 {sys.implementation.cache_tag}\n".encode("ascii")
_MAX_BYTES = 4 << 20
_AT_REST_NS = 2_000_000_000
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


def folder() -> str | None:
    """Where the files are; None where there is no place, or none is wanted."""
    if os.environ.get("MLXK_RULES_NO_CACHE", "").strip() not in ("", "0"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    path = os.path.expanduser(base)  # never raises for want of a home
    return f"{path}/mlxk-rules" if path.startswith("/") else None


def file_name(key: bytes) -> str:
    """A name for what is kept under a key of any length."""
    return f"{crc32(key):08x}{crc32(key[::-1]):08x}"


def at_rest(changed_ns: int) -> bool:
    """Whether a file's last change is so long ago that one more would show in its times: two seconds."""
    return time.time_ns() - changed_ns >= _AT_REST_NS


def read(name: str, kind: type[Kind], most: int = _MAX_BYTES) -> Kind | None:
    """The value in that file, of so many bytes at most; None where there is none to believe, or one of another kind."""
    try:
        file = opened(name, most)
        if file is None:
            return None
        with file:
            whole = file.read(os.fstat(file.fileno()).st_size)
        content = memoryview(whole)[len(_MAGIC) + 4 :]  # half a megabyte of a program need not be copied
        if whole[: len(_MAGIC) + 4] != _MAGIC + crc32(content).to_bytes(4, "big"):
            return None
        found: Any = marshal.loads(content)
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return found if isinstance(found, kind) else None


def opened(name: str, most: int) -> BinaryIO | None:
    """That file to be read; None where there is none to believe, or it has more than so many bytes."""
    place = folder()
    if place is None:
        return None
    try:
        descriptor = os.open(f"{place}/{name}", os.O_RDONLY | os.O_NONBLOCK | _FLAGS)
    except (OSError, ValueError):
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > most:
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def write(name: str, value: Any, most: int = _MAX_BYTES) -> None:
    """Keeps a plain value in that file; says nothing where that cannot be done, or it is too large.

    Raises ValueError where it is of what marshal does not know.
    """
    content = marshal.dumps(value)
    draft = Draft.begin(name) if len(_MAGIC) + 4 + len(content) <= most else None
    if draft is not None:
        with draft:
            draft.write(_MAGIC + crc32(content).to_bytes(4, "big") + content)
            draft.finish()


class Draft:
    """A file in the making, which nobody sees before `finish`. Used as a context, whose end leaves nothing unfinished.

    What the disk refuses is no error: then there will be no file.
    """

    def __init__(self, path: str, temporary: str, file: BinaryIO) -> None:
        self._path, self._temporary = path, temporary
        self._file: BinaryIO | None = file

    @classmethod
    def begin(cls, name: str) -> Draft | None:
        """The draft of that file; None where it cannot be kept."""
        place = folder()
        if place is None:
            return None
        path = f"{place}/{name}"
        parent = path.rpartition("/")[0]
        temporary = f"{parent}/.{os.getpid()}-{time.monotonic_ns()}.tmp"
        try:
            for one in (place, parent):
                os.makedirs(one, 0o700, exist_ok=True)
                if not _is_own(os.stat(one)):
                    return None
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        except (OSError, ValueError):
            return None
        return cls(path, temporary, os.fdopen(descriptor, "wb"))

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:  # of no use any more
                pass
            self._file = None
            _remove(self._temporary)

    def write(self, content: bytes) -> None:
        """Adds to it."""
        if self._file is not None:
            try:
                self._file.write(content)
            except OSError:
                self.__exit__()

    def finish(self) -> None:
        """Puts it in its place."""
        if self._file is not None:
            try:
                self._file.close()
                os.replace(self._temporary, self._path)  # atomically, over whatever was there
                self._file = None
            except OSError:
                self.__exit__()


def prune(name: str, most: int) -> None:
    """Removes the oldest files of that folder below, where there are more than `most`."""
    place = folder()
    if place is None:
        return
    try:
        with os.scandir(f"{place}/{name}") as entries:
            dated = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in entries)
    except OSError:
        return
    for _, path in dated[: max(0, len(dated) - most)]:
        _remove(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # another start removed it
        pass


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
