"""The facts of a folder that did not change, kept on disk: reading them takes a tenth of what finding them out takes.

A folder did not change where each entry below has the same name, kind, inode, owner, size and times, which no program
can set back all of. Kept is only what was read without trouble, of a folder at rest: two seconds, so that a file that
is written twice within what a clock can tell apart counts as changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...engine.storage import cache_folder
from ..host.installed import BACKENDS
from .folder import Listing

if TYPE_CHECKING:
    from typing import Any

_FOLDER = "facts"
_MAX_FILES = 4_096


def get(path: str, listing: Listing, of: str) -> dict[str, Any] | None:
    """The facts kept for the folder at `path` as it is now; `of` is all else that they depend on."""
    record = cache_folder.read(_file_name(path), dict)
    if record is None or record.get("of") != of or record.get("path") != path or record.get("marks") != listing.marks:
        return None
    facts = record.get("facts")
    return facts if isinstance(facts, dict) else None


def put(path: str, listing: Listing, of: str, facts: dict[str, Any]) -> None:
    """Keeps the facts of a folder that was listed before they were read."""
    if listing.root is None or not cache_folder.at_rest(listing.changed_ns):
        return
    keep = None if time.monotonic_ns() % 64 else _MAX_FILES  # now and then: it takes longer than the rest
    record = {"of": of, "path": path, "marks": listing.marks, "facts": facts}
    cache_folder.write(_file_name(path), record, keep=keep)


def is_sound(facts: Mapping[str, Any]) -> bool:
    """Whether everything was read without trouble, so that the same folder tells the same again."""
    backends = [facts["weights"][name] for name in BACKENDS]
    return not (facts["problems"] or any(one["faults"] for one in backends) or facts["model"]["unreadable"])


def _file_name(path: str) -> str:
    return f"{_FOLDER}/{cache_folder.file_name(os.fsencode(path))}.facts"
