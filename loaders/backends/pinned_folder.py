"""A model folder held fast: what was looked at is what is loaded, whatever happens to the folder meanwhile.

Each file is opened once, and a backend is given a private folder of its own: copies of the small files, and links to
the open weights, which are the same bytes even where another file was put in their place. Code and pickles of the
folder are not in it, so that no backend can run them. Where a system has no /proc/self/fd the links lead to the files
by name, and the folder is looked at once more when they were read.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from ..facts import folder as folders
from ..problems import LoaderError
from .remote_code import CODE_AND_PICKLES

_OPEN_FILES = "/proc/self/fd"
_COPIED_BYTES = 64 << 20  # of a file: larger than any tokenizer.json, which reach 35 MB
_MAX_FILES = 4_000
_MAX_DEPTH = 3
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def fingerprint_in(facts: Mapping[str, Any]) -> str | None:
    """What the facts say of the files that were looked at; None where they say nothing."""
    found = (facts.get("model") or {}).get("fingerprint")
    return found if isinstance(found, str) else None


class Pinned(NamedTuple):
    """`path` is the private folder; `origin` the one that it stands for, `fingerprint` what that was when looked at."""

    path: Path
    origin: Path
    fingerprint: str
    by_name: bool

    def check(self) -> None:
        """Raises LoaderError path_mismatch where links lead to files by name, and the folder is another by now."""
        if self.by_name and folders.listing(str(self.origin)).fingerprint != self.fingerprint:
            raise changed(self.origin)


@contextmanager
def pinned(origin: Path, fingerprint: str | None) -> Generator[Pinned, None, None]:
    """A folder that is what `origin` was when its `fingerprint` was taken; without one, what it is now.

    Raises LoaderError: path_mismatch where it is another by now, unwritable_folder where no copy can be made.
    """
    with ExitStack() as stack:
        opened = {name: (fd, mark) for name, fd, mark in _opened(origin, stack)}
        listing = folders.listing(str(origin))
        marks = set(listing.marks.split("\n"))
        if fingerprint not in (None, listing.fingerprint) or not all(mark in marks for _, mark in opened.values()):
            raise changed(origin)
        by_name = not os.path.isdir(_OPEN_FILES)
        try:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlxk-rules-"))) / "model"
            for name, (fd, mark) in opened.items():
                _lay(path / name, fd, origin / name if by_name else None)
                if _mark(name, fd) != mark:
                    raise changed(origin)
        except OSError as error:
            message = f"the folder for temporary files cannot be written: {error.strerror or error}"
            raise LoaderError("unwritable_folder", message, "make room there, or name another by TMPDIR") from error
        yield Pinned(path, origin, listing.fingerprint, by_name)


def _opened(origin: Path, stack: ExitStack) -> Generator[tuple[str, int, str], None, None]:
    """Name, descriptor and mark of each regular file that can be read, code and pickles left out."""
    for name, _ in folders.Walk(str(origin), _MAX_FILES, _MAX_DEPTH):
        if any(fnmatchcase(name.rsplit("/", 1)[-1].lower(), pattern) for pattern in CODE_AND_PICKLES):
            continue
        try:
            # Asked before opening, since opening a device can act on it; and again, as it may be another by then.
            if not stat.S_ISREG(os.stat(origin / name).st_mode):
                continue
            fd = os.open(origin / name, _FLAGS)
        except (OSError, ValueError):
            continue  # whoever decided has looked at that before
        stack.callback(os.close, fd)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            yield name, fd, _mark(name, fd)


def _mark(name: str, fd: int) -> str:
    return folders.mark(name, os.fstat(fd))


def _lay(target: Path, fd: int, by_name: Path | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix not in (".safetensors", ".npz") and os.fstat(fd).st_size <= _COPIED_BYTES:
        with open(fd, "rb", closefd=False) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    else:
        target.symlink_to(f"{_OPEN_FILES}/{fd}" if by_name is None else by_name)


def changed(origin: Path) -> LoaderError:
    """The error of a folder that is another by now."""
    message = f"the folder `{origin}` changed since it was looked at"
    return LoaderError("path_mismatch", message, "ask again when nobody writes into it")
