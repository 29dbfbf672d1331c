"""What a folder holds, walked in bounded time and memory."""

import os
import stat
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from .. import bounded_files
from . import plain_json

MAX_ENTRIES = 20_000
MAX_DEPTH = 16
UNKNOWN_NS = 1 << 62
# A file that no model has: the folder is the shape of one that is not here, which no backend may load.
SHAPE_MARK = ".mlxk-rules-shape"
# A folder of a thousand unreadable ones has one reason, not a thousand.
_MAX_REASONS = 5


class Listing(NamedTuple):
    """`files`: relative POSIX paths of the regular files, sorted; `size_bytes`: their sizes, links counted at their
    target's; `cut_off`: there is more than was walked; `problems`: what could not be looked at, each as a phrase;
    `root`: the names of all that lies at the root, None where that is not known to the last; `marks`: a line for each
    entry, which is another when the entry changed; `changed_ns`: when the last of them did, UNKNOWN_NS where not all
    that may be read was walked."""

    files: list[str]
    size_bytes: int
    cut_off: bool
    problems: list[str]
    root: frozenset[str] | None
    marks: str
    changed_ns: int

    @property
    def fingerprint(self) -> str:
        """A short text that is another where any entry is another, or changed."""
        from hashlib import sha256  # 5 ms, which only who loads the folder needs

        return sha256(self.marks.encode("utf-8", "surrogateescape")).hexdigest()


class Walk:
    """Iterates over entries, breadth first, never into a linked folder; `cut_off` and `problems` say what it left."""

    def __init__(self, root: str, max_entries: int, max_depth: int) -> None:
        self.root, self.max_entries, self.max_depth = root, max_entries, max_depth
        self.cut_off = False
        self.problems: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        waiting = deque([("", 0)])
        left = self.max_entries
        while waiting:
            prefix, depth = waiting.popleft()
            try:
                # Never listed whole: a folder of a million files would be in memory before the first is seen.
                with os.scandir(f"{self.root}/{prefix}") as entries:
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
                self.problems.append(f"`{prefix or '.'}`: {bounded_files.reason(error)}")


def listing(path: str, max_entries: int = MAX_ENTRIES, max_depth: int = MAX_DEPTH) -> Listing:
    """Lists a folder, the root's files before those below. Never raises because of what the folder holds."""
    walk = Walk(path, max_entries, max_depth)
    names: list[str] = []
    root: set[str] = set()
    marks: list[str] = []
    size = changed = 0
    for name, entry in walk:
        if "/" not in name:
            root.add(name)
        try:
            status = entry.stat()
        except OSError as error:
            marks.append(name)
            nowhere = isinstance(error, FileNotFoundError)
            walk.problems.append(f"`{name}`: {'a link that leads nowhere' if nowhere else bounded_files.reason(error)}")
            continue
        marks.append(mark(name, status))
        changed = max(changed, status.st_ctime_ns)
        if stat.S_ISREG(status.st_mode) and name != SHAPE_MARK:
            names.append(plain_json.text(name))
            size += status.st_size
        elif stat.S_ISDIR(status.st_mode) and entry.is_symlink():
            changed = UNKNOWN_NS  # it is not entered, so nobody sees what changes in it
    whole = not walk.cut_off and not walk.problems
    marks += sorted(walk.problems)
    problems = [plain_json.text(problem) for problem in walk.problems[:_MAX_REASONS]]
    if more := len(walk.problems) - len(problems):
        problems.append(f"and {more} more")
    return Listing(
        sorted(names),
        size,
        walk.cut_off,
        problems,
        frozenset(root) if whole else None,
        "\n".join(sorted(marks)),
        changed,
    )


def mark(name: str, status: os.stat_result) -> str:
    """The line of an entry in a listing's marks."""
    mode, inode, device, _, owner, _, length, _, _, _ = status
    return f"{name}/{mode}/{inode}/{device}/{owner}/{length}/{status.st_mtime_ns}/{status.st_ctime_ns}"


def is_shape(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is marked as the shape of a model that is not here."""
    return os.path.lexists(os.path.join(folder, SHAPE_MARK))


def holds_weights(path: str, max_entries: int = MAX_ENTRIES) -> bool:
    """Whether a *.safetensors or pytorch_model.bin lies anywhere below, told by name; False for no such folder."""
    walk = Walk(path, max_entries, MAX_DEPTH)
    return any(is_weights(entry.name) for _, entry in walk)


def is_weights(name: str) -> bool:
    """Whether that is what weights are called."""
    return name.endswith(".safetensors") or name == "pytorch_model.bin"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
