"""Plain values kept on disk for the next start, each of some files' bytes: programs, deciders, levers.

One file a value in the user's cache folder. It is believed only where it is a regular file of this user's that nobody
else may write, whole, of this engine and this Python, and of exactly those files' bytes; else it is as if there were
none. A place that cannot be written is no error. MLXK_RULES_NO_CACHE=1 turns it off.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from binascii import crc32

from .. import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Files = list[tuple[str, bytes]]  # path and content

_MAGIC = b"mlxk-rules program\n"
_MAX_BYTES = 64 * 1024 * 1024
_KEPT = 48  # files; the oldest go
_UNUSABLE = (OSError, ValueError, EOFError, TypeError, KeyError, IndexError)


def take(key: str) -> tuple[Files, Any] | None:
    """Return the value kept under a key and the files that it is of; None where none is, or none to believe."""
    place = _place()
    try:
        if place is None:
            return None
        head, files, value = _read(_file_of(place, key))
        return (files, value) if head == _head() and all(_is(file, content) for file, content in files) else None
    except _UNUSABLE:
        return None


def put(key: str, files: Files, value: Any) -> None:
    """Keep a plain value, which is of these files; says nothing where that cannot be done."""
    place = _place()
    if place is None:
        return
    try:
        os.makedirs(place, 0o700, exist_ok=True)
        if not _is_own(os.stat(place)):
            return
        data = marshal.dumps((_head(), files, value))
        whole = _MAGIC + crc32(data).to_bytes(4, "big") + data
        target = _file_of(place, key)
        passing = f"{target}.{os.getpid()}.tmp"
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(whole)
            os.replace(passing, target)  # atomically, over whatever was there
        except BaseException:
            os.unlink(passing)
            raise
        _tidy(place)
    except (OSError, ValueError):
        return


def _place() -> str | None:
    if os.environ.get("MLXK_RULES_NO_CACHE", "").strip() not in ("", "0"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    place = os.path.expanduser(base)  # never raises for want of a home
    return f"{place}/mlxk-rules/programs" if place.startswith("/") else None


def _file_of(place: str, key: str) -> str:
    data = key.encode("utf-8", "surrogateescape")
    return f"{place}/{crc32(data):08x}{crc32(data[::-1]):08x}.program"


def _head() -> tuple[str, tuple[tuple[str, int, int], ...]]:
    """What a value depends on beside its files: Python, and the code here that makes it."""
    with os.scandir(os.path.dirname(__file__)) as entries:
        own = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in entries if e.name.endswith(".py")]
    facts = os.stat(f"{rules.PLACE}/facts.yaml")
    own.append(("facts.yaml", facts.st_mtime_ns, facts.st_size))
    return sys.version, tuple(sorted(own))


def _read(file: str) -> Any:
    """Raises OSError where the file is not this user's alone to write, and ValueError where it is not whole."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", 0) as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > _MAX_BYTES:
            raise PermissionError("not a file to believe")
        data = opened.read(status.st_size + 1) or b""
    start = len(_MAGIC) + 4
    inner = memoryview(data)[start:]
    if not data.startswith(_MAGIC) or crc32(inner) != int.from_bytes(data[len(_MAGIC) : start], "big"):
        raise ValueError("not a whole program")
    return marshal.loads(inner)


def _is(file: str, content: bytes) -> bool:
    status = os.stat(file)
    if not stat.S_ISREG(status.st_mode) or status.st_size != len(content):
        return False
    with open(file, "rb") as opened:
        return opened.read() == content


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _tidy(place: str) -> None:
    with os.scandir(place) as entries:
        dated = sorted((e.stat(follow_symlinks=False).st_mtime_ns, e.path) for e in entries if ".program" in e.name)
    for _, file in dated[:-_KEPT]:
        os.unlink(file)
