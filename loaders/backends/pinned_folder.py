"""A model folder held fast: what was looked at is what is loaded, whatever happens to the folder meanwhile.

Each file is opened once, and a backend is given a private folder of its own: copies of the small files, and links to
the open weights, which are the same bytes even where another file was put in their place. Code and pickles of the
folder are not in it, so that no backend can run them. Where a system has no /proc/self/fd the links lead to the files
by name, and the folder is looked at once more when they were read.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .. import bounded_files
from ..facts import folder as folders
from ..problems import LoaderError, unwritable_folder
from .remote_code import is_code_or_pickle

_OPEN_FILES = "/proc/self/fd"
_COPIED_BYTES = 64 << 20  # of a file: larger than any tokenizer.json, which reach 35 MB
_MAX_FILES = 4_000
_MAX_DEPTH = 3


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
def pinned(origin: Path, fingerprint: str | None, only: Collection[str] | None = None) -> Generator[Pinned, None, None]:
    """A folder that is what `origin` was when its `fingerprint` was taken; without one, what it is now.

    `only`: the names of the files that it is to have, where these are not all.
    Raises LoaderError: path_mismatch where it is another by now, unwritable_folder where no copy can be made.
    """
    by_name = not os.path.isdir(_OPEN_FILES)
    with ExitStack() as stack:
        marks: set[str] = set()
        try:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlxk-rules-"))) / "model"
            for name, fd in _opened(origin, stack, only):
                mark = _mark(name, fd)
                _lay(path / name, fd, origin / name if by_name else None)
                if _mark(name, fd) != mark:
                    raise changed(origin)
                marks.add(mark)
        except OSError as error:
            raise unwritable_folder(error) from error
        # Taken last: what was opened is what is listed here, and that is what was looked at.
        listing = folders.listing(str(origin))
        if fingerprint not in (None, listing.fingerprint) or not marks <= set(listing.marks.split("\n")):
            raise changed(origin)
        yield Pinned(path, origin, listing.fingerprint, by_name)


def _opened(origin: Path, stack: ExitStack, only: Collection[str] | None) -> Generator[tuple[str, int], None, None]:
    """Name and descriptor of each regular file that can be read, code and pickles left out."""
    for name, _ in folders.Walk(str(origin), _MAX_FILES, _MAX_DEPTH):
        if is_code_or_pickle(name) or (only is not None and name not in only):
            continue
        try:
            fd = bounded_files.opened(origin / name)
        except (OSError, ValueError):
            continue  # whoever decided has looked at that before
        stack.callback(os.close, fd)
        yield name, fd


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
