"""Plain values kept on disk for the next start, each of some files' bytes: programs, deciders, levers.

What is kept is believed only where cache_folder believes it, and where it is of this engine, this Python, and exactly
those files' bytes; else it is as if there were none.
"""

from __future__ import annotations

import os
import stat
import sys
from functools import cache
from typing import TYPE_CHECKING

from . import cache_folder, data_files

if TYPE_CHECKING:
    from typing import Any

    Files = list[tuple[str, bytes]]  # path and content
    Mark = tuple[str, int, int]

ENGINE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The stages whose code makes what is kept here.
_MAKERS = ("facts", "language", "rulefile", "compiler", "advice")
_FOLDER = "programs"
_MAX_BYTES = 64 * 1024 * 1024
_MAX_FILES = 48  # the oldest go


def take(key: str) -> tuple[Files, Any] | None:
    """Return the value kept under a key and the files that it is of; None where none is, or none to believe."""
    found: tuple[Any, ...] | None = cache_folder.read(_name(key), tuple, _MAX_BYTES)
    if found is None:
        return None
    try:
        of, files, value = found
        return (files, value) if of == code() and are_same(files) else None
    except (OSError, ValueError, TypeError):
        return None


def put(key: str, files: Files, value: Any) -> None:
    """Keep a plain value, which is of these files; says nothing where that cannot be done."""
    try:
        cache_folder.write(_name(key), (code(), files, value), _MAX_BYTES, keep=_MAX_FILES)
    except (OSError, ValueError):
        return


def code() -> tuple[Any, ...]:
    """Return what tells this Python, and the code that makes what is kept, from others."""
    vocabulary = _mark("facts.yaml", os.stat(f"{data_files.PLACE}/facts.yaml"))
    return sys.version, vocabulary, *(code_below(f"{ENGINE}/{stage}") for stage in _MAKERS)


@cache  # our own source is not another while it runs
def code_below(root: str) -> tuple[Mark, ...]:
    """Return name, time in nanoseconds and size in bytes of each module of ours in a folder and those below it."""
    marks: list[Mark] = []
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    marks.append(_mark(entry.path[len(root) :], entry.stat()))
                elif entry.name != "__pycache__" and entry.is_dir():
                    folders.append(entry.path)
    return tuple(sorted(marks))


def are_same(files: Files) -> bool:
    """Whether each of the files has these bytes now."""
    return all(_content(file, len(content)) == content for file, content in files)


def _name(key: str) -> str:
    return f"{_FOLDER}/{cache_folder.file_name(key.encode('utf-8', 'surrogateescape'))}.program"


def _mark(name: str, status: os.stat_result) -> Mark:
    return name, status.st_mtime_ns, status.st_size


def _content(file: str, size: int) -> bytes | None:
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return None
        with open(file, "rb") as opened:
            return opened.read(size + 1)
    except (OSError, ValueError):
        return None
