"""A cached model's stamp: whether it is what it was, told by one `stat` for each thing that it is made of.

It is where its ref, its snapshot and every entry in that have the same kind, inode, owner, size and times, which no
program can set back all of. What entries there are need not be asked again: a folder that others came to, or that some
left, has other times itself.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from ...engine.storage import cache_folder

_MOST = 1_000  # entries: a folder of more is looked at whole each time
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Stamp(NamedTuple):
    """`snapshot`: its name; `names`: of its entries; `elsewhere`: whether any snapshot of the repo holds weights, None
    where this one does, at its root; `marks`: what the stats told."""

    snapshot: str
    names: tuple[str, ...]
    elsewhere: bool | None
    marks: bytes


def take(repo: str) -> Stamp | None:
    """The stamp of a cached repo's main snapshot. To be taken before anything of it is read.

    None where there is none, or where it would not tell of every change: links to folders, things that cannot be looked
    at, too many of them, or a change within the last two seconds, which one more may follow in the same tick.
    """
    from ..facts import folder
    from . import hub_cache

    found = hub_cache.snapshot_of_ref(repo, "main")
    if found is None:
        return None
    snapshot = os.path.basename(found)
    names: list[str] = []
    try:
        walk = folder.Walk(found, _MOST, folder.MAX_DEPTH)
        for name, entry in walk:
            names.append(name)
            if entry.is_symlink() and stat.S_ISDIR(entry.stat().st_mode):
                return None
        statuses = _statuses(repo, snapshot, names)
        elsewhere = None if any(map(folder.is_weights, names)) else _elsewhere(repo)
        newest = max(status.st_ctime_ns for status in statuses)
        if walk.cut_off or walk.problems or not cache_folder.at_rest(newest):
            return None
        return Stamp(snapshot, tuple(names), elsewhere, cache_folder.marks(statuses))
    except (OSError, ValueError):
        return None


def holds(repo: str, stamp: Stamp) -> bool:
    """Whether nothing of the repo's main snapshot changed since the stamp was taken."""
    try:
        same = cache_folder.marks(_statuses(repo, stamp.snapshot, stamp.names)) == stamp.marks
        return same and (stamp.elsewhere is None or stamp.elsewhere is _elsewhere(repo))
    except (OSError, ValueError):
        return False


def _statuses(repo: str, snapshot: str, names: Iterable[str]) -> list[os.stat_result]:
    look = os.stat
    # Relative to the snapshot: a third less than the same by whole paths.
    descriptor = os.open(f"{repo}/snapshots/{snapshot}", _FOLDER)
    try:
        return [
            look(f"{repo}/refs/main"),
            os.fstat(descriptor),
            *[look(name, dir_fd=descriptor) for name in names],
        ]
    finally:
        os.close(descriptor)


def _elsewhere(repo: str) -> bool:
    from ..facts import folder

    return folder.holds_weights(f"{repo}/snapshots")
