"""Waits until one of the files that a policy and its cases stand in changes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ...rulefile.policy_names import locate

_SECONDS = 0.3
_MAX_FILES = 1000


class Watched:
    """The rule and case files in the folder of a policy's file, in those below it, and what it extends beside them."""

    def __init__(self, word: str | os.PathLike[str] | None) -> None:
        path, _ = locate(word)
        self._folders = dict.fromkeys((path.parent, path.parent / "tests", path.parent.parent))
        self._seen = self._times()

    def wait(self) -> None:
        """Return when a file came, went or changed."""
        while not self.changed():
            time.sleep(_SECONDS)

    def changed(self) -> bool:
        """Whether a file came, went or changed since this was asked, or since the beginning."""
        before, self._seen = self._seen, self._times()
        return before != self._seen

    def _times(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for folder in self._folders:
            for file in _rule_files(folder):
                try:
                    status = os.stat(file)
                except OSError:
                    continue
                found[str(file)] = status.st_mtime_ns, status.st_size
        return found


def _rule_files(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))[:_MAX_FILES]
    except OSError:
        return []
    return [folder / name for name in names if name.endswith((".yaml", ".yml"))]
