"""JSON files in the user's cache folder, for what takes long to find out and is found out again and again.

A file is believed only where it is a regular one of this user's that nobody else may write; what it says of itself is
for the caller to check. It is written whole or not at all. A place that cannot be written is no error.
MLXK_RULES_NO_CACHE=1 turns all of it off.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
from typing import Any, BinaryIO

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
    import json  # what is kept in another form does without

    try:
        file = opened(name, _MAX_BYTES)
        if file is None:
            return None
        with file:
            found: Any = json.loads(file.read(_MAX_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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


def write(name: str, value: dict[str, Any]) -> None:
    """Keeps an object in that file; says nothing where that cannot be done, or it is too large."""
    import json

    content = json.dumps(value).encode("ascii")
    draft = Draft.begin(name) if len(content) <= _MAX_BYTES else None
    if draft is not None:
        with draft:
            draft.write(content)
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
                os.makedirs(one, 0o700, exist_ok=True)  # noqa: PTH103
                if not _is_own(os.stat(one)):  # noqa: PTH116
                    return None
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        except (OSError, ValueError):
            return None
        return cls(path, temporary, os.fdopen(descriptor, "wb"))

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
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
                os.replace(self._temporary, self._path)  # noqa: PTH105 - atomically, over whatever was there
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
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
