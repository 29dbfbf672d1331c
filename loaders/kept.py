"""JSON files in the user's cache folder, for what takes long to find out and is found out again and again.

A file is believed only where it is a regular one of this user's that nobody else may write; what it says of itself is
for the caller to check. It is written whole or not at all. A place that cannot be written is no error.
MLXK_RULES_NO_CACHE=1 turns all of it off.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from contextlib import suppress
from typing import Any

_MAX_BYTES = 4 << 20
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


def folder() -> str | None:
    """Where the files are; None where there is no place, or none is wanted."""
    if os.environ.get("MLXK_RULES_NO_CACHE", "").strip() not in ("", "0"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    path = os.path.expanduser(base)  # noqa: PTH111 - never raises for want of a home
    return f"{path}/mlxk-rules" if path.startswith("/") else None


def read(name: str) -> dict[str, Any] | None:
    """The object in that file; None where there is none to believe."""
    place = folder()
    if place is None:
        return None
    try:
        descriptor = os.open(f"{place}/{name}", os.O_RDONLY | os.O_NONBLOCK | _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > _MAX_BYTES:
                return None
            content = os.read(descriptor, _MAX_BYTES)
        finally:
            os.close(descriptor)
        found: Any = json.loads(content.decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write(name: str, value: dict[str, Any]) -> None:
    """Keeps an object in that file; says nothing where that cannot be done, or it is too large."""
    place = folder()
    if place is None:
        return
    path = f"{place}/{name}"
    parent = path.rpartition("/")[0]
    temporary = f"{parent}/.{os.getpid()}-{time.monotonic_ns()}.tmp"
    try:
        content = json.dumps(value).encode("ascii")
        if len(content) > _MAX_BYTES:
            return
        for one in (place, parent):
            os.makedirs(one, 0o700, exist_ok=True)  # noqa: PTH103
            if not _is_own(os.stat(one)):  # noqa: PTH116
                return
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    except (OSError, ValueError):
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)  # noqa: PTH105 - atomically, over whatever was there
    except OSError:
        _remove(temporary)
    except BaseException:
        _remove(temporary)
        raise


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
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
