"""What a snapshot of the Hugging Face cache lacks, told offline: which files its commit has, and which are here.

huggingface_hub 2.4 writes trees/COMMIT.json, all files of the commit, before it downloads the first of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import bounded_files
from ..facts import plain_json
from ..facts.folder import is_weights

if TYPE_CHECKING:
    from typing import Any

_MAX_BYTES = 16 << 20
_MAX_LISTED = 50
_MAX_SNAPSHOTS = 20


def facts(path: str) -> dict[str, Any]:
    """The facts `missing_files`, `missing_bytes` and `whole_revision` below `model` of the folder at `path`.

    Never raises because of what lies there.
    """
    snapshots, commit = os.path.split(path)
    repo = os.path.dirname(snapshots)
    if os.path.basename(snapshots) != "snapshots":
        return {"missing_files": [], "missing_bytes": None, "whole_revision": None}
    missing = _missing(repo, commit)
    if missing is None:
        other = _whole(repo, commit) if not _has_weights(path) else None
        return {"missing_files": [], "missing_bytes": None, "whole_revision": other}
    return {
        "missing_files": [plain_json.text(name) for name in list(missing)[:_MAX_LISTED]],
        "missing_bytes": None if None in missing.values() else sum(filter(None, missing.values())),
        "whole_revision": _whole(repo, commit) if missing else None,
    }


def _missing(repo: str, commit: str) -> dict[str, int | None] | None:
    """The files of a commit that are not in its snapshot, sorted, with their sizes in bytes where those are told.

    None where nobody wrote down which files it has.
    """
    tree = f"{repo}/trees/{commit}.json"
    if not os.path.exists(tree):
        return None
    import json  # only a snapshot with such a file pays for it

    try:
        named = json.loads(bounded_files.read(tree, _MAX_BYTES))["files"]
        sizes = {name: _size(named[name]) for name in sorted(named)}
        if "\0" in "".join(sizes):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {name: size for name, size in sizes.items() if not os.path.exists(f"{repo}/snapshots/{commit}/{name}")}


def _size(entry: dict[str, Any]) -> int | None:
    size = entry.get("lfs_size", entry.get("size"))
    return size if type(size) is int and size >= 0 else None


def _whole(repo: str, commit: str) -> str | None:
    """Another snapshot of the repo that lacks nothing, as far as that can be told, and holds weights."""
    try:
        others = sorted(os.listdir(f"{repo}/snapshots"))[:_MAX_SNAPSHOTS]
    except OSError:
        return None
    for other in others:
        if other != commit and not _missing(repo, other) and _has_weights(f"{repo}/snapshots/{other}"):
            return plain_json.text(other[:12])
    return None


def _has_weights(path: str) -> bool:
    try:
        names = os.listdir(path)
    except OSError:
        return False
    return any(is_weights(name) and os.path.exists(f"{path}/{name}") for name in names)
