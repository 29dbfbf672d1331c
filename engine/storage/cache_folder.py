"""Files in the user's cache folder, for what takes long to find out and is found out again and again.

A file is believed only where it is a regular one of this user's that nobody else may write, and whole; what it says of
itself is for the caller to check. Plain values are kept by marshal, as Python's own cache is: json's import alone costs
a start 1 ms. It is written whole or not at all. A place that cannot be written is no error.
MLXK_RULES_NO_CACHE=1 turns all of it off.
"""

from __future__ import annotations

import marshal
import os
import re
import stat
import sys
import time
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO, TypeVar

    Kind = TypeVar("Kind")

_MAGIC = f"mlxk-rules kept 1 {sys.implementation.cache_tag}\n".encode("ascii")
_MAX_BYTES = 4 << 20
_AT_REST_NS = 2_000_000_000
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW
# Files of ours: `file_name`, and what tells their kind.
_OURS = r"[0-9a-f]{16}[\w.-]*\.(facts|program|rows)|\.\d+-\d+\.tmp"


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


def at_rest(changed_ns: int, seen_ns: int | None = None) -> bool:
    """Whether a file's last change was so long before it was seen that one more would show in its times: two seconds.

    seen_ns: when, in nanoseconds; now where it is None.
    """
    return (time.time_ns() if seen_ns is None else seen_ns) - changed_ns >= _AT_REST_NS


def marks(statuses: Iterable[os.stat_result | None]) -> bytes:
    """Return what tells files as they are from others: kind, inode, owner, size, times that no program sets back all.

    None stands for a file that is not there.
    """
    told = [status and (*status[:7], status.st_mtime_ns, status.st_ctime_ns) for status in statuses]
    return marshal.dumps(told, 2)  # the last version of marshal that has the same bytes for the same values


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
    below, _, last = name.rpartition("/")
    inside = _folder(below)
    if inside is None:
        return None
    try:
        descriptor = os.open(last, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=inside)
    except (OSError, ValueError):
        return None
    finally:
        os.close(inside)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > most:
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def write(name: str, value: Any, most: int = _MAX_BYTES, keep: int | None = None) -> None:
    """Keeps a plain value in that file; says nothing where that cannot be done, or it is too large.

    Of the files of ours in its folder the `keep` newest stay, all where that is None. Raises ValueError where the value
    is of what marshal does not know.
    """
    content = marshal.dumps(value)
    draft = Draft.begin(name) if len(_MAGIC) + 4 + len(content) <= most else None
    if draft is not None:
        with draft:
            draft.write(_MAGIC + crc32(content).to_bytes(4, "big") + content)
            draft.finish(keep)


class Draft:
    """A file in the making, which nobody sees before `finish`. Used as a context, whose end leaves nothing unfinished.

    What the disk refuses is no error: then there will be no file.
    """

    def __init__(self, inside: int, name: str, temporary: str, file: BinaryIO) -> None:
        self._inside, self._name, self._temporary = inside, name, temporary
        self._file: BinaryIO | None = file

    @classmethod
    def begin(cls, name: str) -> Draft | None:
        """The draft of that file; None where it cannot be kept."""
        below, _, last = name.rpartition("/")
        temporary = f".{os.getpid()}-{time.monotonic_ns()}.tmp"
        inside = _folder(below, make=True)
        if inside is None:
            return None
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=inside)
        except (OSError, ValueError):
            os.close(inside)
            return None
        return cls(inside, last, temporary, os.fdopen(descriptor, "wb"))

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:  # of no use any more
                pass
            self._file = None
            _remove(self._temporary, self._inside)
        if self._inside >= 0:
            os.close(self._inside)
            self._inside = -1

    def write(self, content: bytes) -> None:
        """Adds to it."""
        if self._file is not None:
            try:
                self._file.write(content)
            except OSError:
                self.__exit__()

    def finish(self, keep: int | None = None) -> None:
        """Puts it in its place; of the files of ours in that folder the `keep` newest stay."""
        if self._file is not None:
            try:
                self._file.close()
                # Atomically, over whatever was there.
                os.replace(self._temporary, self._name, src_dir_fd=self._inside, dst_dir_fd=self._inside)
                self._file = None
            except OSError:
                self.__exit__()
                return
            if keep is not None:
                _prune(self._inside, keep)


def _prune(inside: int, most: int) -> None:
    """Removes the oldest of our own files of an open folder, where there are more than `most`."""
    dated: list[tuple[int, str]] = []
    try:
        with os.scandir(inside) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if re.fullmatch(_OURS, entry.name) and stat.S_ISREG(status.st_mode) and _is_own(status):
                    dated.append((status.st_mtime_ns, entry.name))
    except OSError:
        return
    for _, name in sorted(dated)[: max(0, len(dated) - most)]:
        _remove(name, inside)


def _remove(name: str, inside: int) -> None:
    try:
        os.unlink(name, dir_fd=inside)
    except OSError:  # another start removed it
        pass


def _folder(below: str, make: bool = False) -> int | None:
    """A descriptor of a folder in the cache folder; None where there is none that nobody else may write.

    Each folder on the way is opened by itself and no link is followed: one that another user could put in another's
    place proves nothing of what lies below it. Our own must be this user's; those above may be the system's.
    """
    place = folder()
    if place is None:
        return None
    above, _, own = place.rpartition("/")
    descriptor = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if make:
            os.makedirs(above, 0o700, exist_ok=True)
        higher = [part for part in os.path.realpath(above).split("/") if part]
        for number, part in enumerate((*higher, own, *filter(None, below.split("/")))):
            ours = number >= len(higher)
            if make and ours:
                try:
                    os.mkdir(part, 0o700, dir_fd=descriptor)
                except FileExistsError:
                    pass
            following = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
            status = os.fstat(descriptor)
            if not (_is_own(status) if ours else _is_safe_above(status)):
                raise PermissionError
        return descriptor
    except (OSError, ValueError):
        os.close(descriptor)
        return None


def _is_safe_above(status: os.stat_result) -> bool:
    """Whether only this user or the system may rename what lies in a folder; a sticky one lets each only their own."""
    safe = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_mode & stat.S_ISVTX
    return bool(safe) and status.st_uid in (os.getuid(), 0)


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
