"""What is read from a backend's source, kept on disk: that takes tenths of a second, this a millisecond.

One file a package. It is believed only while each file that was read for it, each folder that was looked through, and
what lies at the package's root have the same inode, owner, size and times, which no program can set back all of: so an
edit in place is noticed, and another copy of the package.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from ...engine.storage import cache_folder
from ...engine.storage.kept_values import code_below
from .installed import Installed

_LOADERS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MAX_READ = 5_000  # files and folders of a package that is stamped
Lists = dict[str, list[str]]
_known: dict[str, dict[str, Any]] = {}  # what this process found out, by where it is kept and the package's folder


def support(
    package: Installed, names: Sequence[str], libraries: str, read: Callable[[], tuple[Lists, Iterable[str]]]
) -> tuple[Lists, str]:
    """Return the lists of these names: those that were kept for exactly this source, or as `read` tells them.

    With them comes a short text that is another one where the package's source is another.

    libraries: what else is installed, which a module may ask for. read: gives the lists, and the paths of all files and
    folders, missing ones too, that it looked at.
    """
    of = _of(package, libraries)
    place = f"{cache_folder.folder()} {package.folder}"
    record = _known.get(place) or cache_folder.read(_file_name(package), dict)
    if record is not None and record.get("of") == of and (found := _kept(record, package, names)) is not None:
        _known[place] = record
        return found
    began = time.time_ns()
    lists, paths = read()
    # Relative to the package: shorter, and looked at in four fifths of the time.
    seen = sorted({".", *_at_root(package.folder), *(os.path.relpath(path, package.folder) for path in paths)})
    statuses = _statuses(package.folder, seen)
    marks, newest = cache_folder.marks(statuses), max((s.st_ctime_ns for s in statuses if s), default=began)
    # What changed while it was read, or just before, may have been read as it was before.
    if len(seen) <= _MAX_READ and cache_folder.at_rest(newest, began):
        _known[place] = {"of": of, "paths": seen, "marks": marks, "lists": lists}
        cache_folder.write(_file_name(package), _known[place])
    return lists, _sign(marks)


@cache  # our own source is not another while it runs
def reader() -> tuple[int, int]:
    """The newest change of our own code that finds out what is kept, all of loaders', and of how many files."""
    marks = code_below(_LOADERS)
    return max(time_ns for _, time_ns, _ in marks), len(marks)


def _of(package: Installed, libraries: str) -> dict[str, Any]:
    return {
        "package": package.folder,
        "version": package.version,
        "libraries": libraries,
        "reader": list(reader()),
        "python": list(sys.version_info[:2]),
    }


def _kept(record: Mapping[str, Any], package: Installed, names: Sequence[str]) -> tuple[Lists, str] | None:
    paths, marks, lists = record.get("paths"), record.get("marks"), record.get("lists")
    if not (isinstance(lists, dict) and isinstance(paths, list) and isinstance(marks, bytes) and len(paths) > 1):
        return None
    found: Lists = lists
    if list(found) != list(names) or not all(map(_is_list, found.values())) or not _is_list(paths):
        return None
    return (found, _sign(marks)) if cache_folder.marks(_statuses(package.folder, paths)) == marks else None


def _at_root(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".py")]
    except OSError:
        return []


def _statuses(folder: str, paths: Sequence[str]) -> list[os.stat_result | None]:
    """What is at each of these paths below a folder; None where nothing is."""
    try:
        inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return [None for _ in paths]
    try:
        return [_status(path, inside) for path in paths]
    finally:
        os.close(inside)


def _status(path: str, inside: int) -> os.stat_result | None:
    try:
        return os.stat(path, dir_fd=inside)
    except (OSError, ValueError):
        return None


def _sign(marks: bytes) -> str:
    return cache_folder.file_name(marks)


def _file_name(package: Installed) -> str:
    return f"{os.path.basename(package.folder)}-support.lists"


def _is_list(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    items: list[Any] = value
    return all(isinstance(item, str) for item in items)
