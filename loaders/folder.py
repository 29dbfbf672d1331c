"""What a folder holds, walked in bounded time and memory."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import files, plain

MAX_ENTRIES = 20_000
MAX_DEPTH = 16
# A folder of a thousand unreadable ones has one reason, not a thousand.
_MAX_REASONS = 5


@dataclass(frozen=True)
class Folder:
    """`files`: relative POSIX paths of the regular files, sorted; `size_bytes`: their sizes, links counted at their
    target's; `cut_off`: there is more than was walked; `problems`: what could not be looked at, each as a phrase."""

    files: list[str]
    size_bytes: int
    cut_off: bool
    problems: list[str]


@dataclass
class _Walk:
    """Iterates over entries, breadth first, never into a linked folder; `cut_off` and `problems` say what it left."""

    root: Path
    max_entries: int
    max_depth: int
    cut_off: bool = False
    problems: list[str] = field(default_factory=list[str])

    def __iter__(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        waiting = deque([("", 0)])
        left = self.max_entries
        while waiting:
            prefix, depth = waiting.popleft()
            try:
                # Never listed whole: a folder of a million files would be in memory before the first is seen.
                with os.scandir(self.root / prefix) as entries:
                    for entry in entries:
                        if not left:
                            self.cut_off = True
                            return
                        left -= 1
                        yield prefix + entry.name, entry
                        if _is_folder(entry):
                            if depth == self.max_depth:
                                self.cut_off = True
                            else:
                                waiting.append((f"{prefix}{entry.name}/", depth + 1))
            except OSError as error:
                self.problems.append(f"`{prefix or '.'}`: {files.reason(error)}")


def scan(path: Path, max_entries: int = MAX_ENTRIES, max_depth: int = MAX_DEPTH) -> Folder:
    """Lists a folder's regular files, the root's before those below. Never raises because of what the folder holds."""
    walk = _Walk(path, max_entries, max_depth)
    names: list[str] = []
    size = 0
    for name, entry in walk:
        try:
            status = entry.stat()
        except OSError as error:
            nowhere = isinstance(error, FileNotFoundError)
            walk.problems.append(f"`{name}`: {'a link that leads nowhere' if nowhere else files.reason(error)}")
            continue
        if stat.S_ISREG(status.st_mode):
            names.append(plain.text(name))
            size += status.st_size
    problems = [plain.text(problem) for problem in walk.problems[:_MAX_REASONS]]
    if more := len(walk.problems) - len(problems):
        problems.append(f"and {more} more")
    return Folder(sorted(names), size, walk.cut_off, problems)


def holds_weights(path: Path, max_entries: int = MAX_ENTRIES) -> bool:
    """Whether a *.safetensors or pytorch_model.bin lies anywhere below, told by name; False for no such folder."""
    walk = _Walk(path, max_entries, MAX_DEPTH)
    return any(entry.name.endswith(".safetensors") or entry.name == "pytorch_model.bin" for _, entry in walk)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
