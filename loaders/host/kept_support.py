"""What is read from a backend's source, kept on disk: that takes tenths of a second, this a millisecond.

One file a package and part. It is believed only for the package's folder, version and times, and in the form that was
written; else it is as if there were none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from ...engine.storage import cache_folder
from ...engine.storage.kept_values import code_below
from .installed import Installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOADERS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MAX_STAMPED = 5_000
Lists = dict[str, list[str]]


def get(package: Installed, names: Sequence[str], part: str = "support") -> Lists | None:
    """The lists of these names that were kept for exactly this package; None where there are none to believe.

    `part` is what of it the lists are about, as a word that may stand in a file's name.
    """
    record = cache_folder.read(_file_name(package, part), dict)
    lists = record.get("lists") if record else None
    if record is None or not isinstance(lists, dict) or record.get("of") != stamp(package):
        return None
    found: dict[str, Any] = lists
    return found if list(found) == list(names) and all(map(_is_list, found.values())) else None


def put(package: Installed, lists: Mapping[str, Sequence[str]], part: str = "support") -> None:
    """Keeps the lists; says nothing where that cannot be done."""
    record = {"of": stamp(package), "lists": {name: list(items) for name, items in lists.items()}}
    cache_folder.write(_file_name(package, part), record)


def stamp(package: Installed) -> dict[str, Any]:
    """What the lists depend on: the package and the code here that reads it."""
    return {
        "package": package.folder,
        "version": package.version,
        "times": list(package.times or times(package.folder)),
        "reader": list(reader()),
        "python": list(sys.version_info[:2]),
    }


def reader() -> tuple[int, int]:
    """The newest change of our own code that finds out what is kept, all of loaders', and of how many files."""
    marks = code_below(_LOADERS)
    return max(time_ns for _, time_ns, _ in marks), len(marks)


def times(folder: str) -> tuple[int, int]:
    """The newest change below, two levels deep, and how much there is: an edit of a module's file counts too."""
    newest, count = 0, 0
    for below in ("", "/models", "/stt", "/stt/models", "/tts", "/tts/models"):
        try:
            # By the open folder, whose path the system need not walk again for each: a third less.
            descriptor = os.open(f"{folder}{below}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if entry.name in ("__pycache__", "tests"):
                        continue
                    count += 1
                    if count > _MAX_STAMPED:
                        return newest, count
                    newest = max(newest, entry.stat(follow_symlinks=False).st_mtime_ns)
        except OSError:
            continue
        finally:
            os.close(descriptor)
    return newest, count


def _file_name(package: Installed, part: str) -> str:
    return f"{os.path.basename(package.folder)}-{part}.lists"


def _is_list(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    items: list[Any] = value
    return all(isinstance(item, str) for item in items)
