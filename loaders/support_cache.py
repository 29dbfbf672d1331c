"""What is read from a backend's source, kept on disk: that takes tenths of a second, this a millisecond.

One JSON file a package and part in the user's cache folder. It is believed only where it is a regular file of this
user's that nobody else may write, of the package's folder, version and times, and of the form that was written; else it
is as if there were none. A place that cannot be written is no error. MLXK_RULES_NO_CACHE=1 turns it off.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from .installed import Installed

_MAX_BYTES = 1 << 20
_MAX_STAMPED = 5_000
Lists = dict[str, list[str]]


def get(package: Installed, names: Sequence[str], part: str = "support") -> Lists | None:
    """The lists of these names that were kept for exactly this package; None where there are none to believe.

    `part` is what of it the lists are about, as a word that may stand in a file's name.
    """
    place = _place()
    if place is None:
        return None
    try:
        kept = json.loads(_read(place / _file_name(package, part)).decode("utf-8"))
        if not isinstance(kept, dict):
            return None
        record = cast("dict[str, Any]", kept)
        lists = record.get("lists")
        if record.get("of") != _stamp(package) or not isinstance(lists, dict):
            return None
    except (OSError, ValueError, RecursionError):
        return None
    found = cast("dict[str, Any]", lists)
    return cast(Lists, found) if list(found) == list(names) and all(map(_is_list, found.values())) else None


def put(package: Installed, lists: Mapping[str, Sequence[str]], part: str = "support") -> None:
    """Keeps the lists; says nothing where that cannot be done."""
    place = _place()
    if place is None:
        return
    with suppress(OSError, ValueError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(place.stat()):
            return
        record = {"of": _stamp(package), "lists": {name: list(items) for name, items in lists.items()}}
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=place)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(record, file)
            os.replace(name, place / _file_name(package, part))  # noqa: PTH105 - atomically, over whatever was there
        except BaseException:
            os.unlink(name)  # noqa: PTH108
            raise


def _place() -> Path | None:
    if os.environ.get("MLXK_RULES_NO_CACHE", "").strip() not in ("", "0"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    path = Path(os.path.expanduser(base))  # noqa: PTH111 - never raises for want of a home
    return path / "mlxk-rules" if path.is_absolute() else None


def _file_name(package: Installed, part: str) -> str:
    return f"{package.folder.name}-{part}.json"


def _stamp(package: Installed) -> dict[str, Any]:
    """What the lists depend on: the package and the code here that reads it."""
    return {
        "package": str(package.folder),
        "version": package.version,
        "times": _newest(package.folder),
        "reader": _newest(Path(__file__).parent),
        "python": list(sys.version_info[:2]),
    }


def _newest(folder: Path) -> list[int]:
    """The newest change below, two levels deep, and how much there is: an edit of a module's file counts too."""
    newest, count = 0, 0
    waiting = [folder, folder / "models", folder / "stt", folder / "stt/models", folder / "tts", folder / "tts/models"]
    for place in waiting:
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.name in ("__pycache__", "tests"):
                    continue
                count += 1
                if count > _MAX_STAMPED:
                    return [newest, count]
                newest = max(newest, entry.stat(follow_symlinks=False).st_mtime_ns)
    return [newest, count]


def _read(path: Path) -> bytes:
    """Raises OSError where the file is not this user's alone to write."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > _MAX_BYTES:
            raise PermissionError("not a file to believe")
        return file.read(_MAX_BYTES)


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value))
