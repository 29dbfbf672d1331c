"""The Hugging Face cache on disk: models--org--name/{refs,snapshots}, read and never changed.

huggingface_hub itself is not imported: that alone costs more time than a whole probe.
"""

from __future__ import annotations

import os
from itertools import islice

from .. import bounded_files

_PREFIX = "models--"
# A ref file holds one commit hash of 40 characters.
_REF_BYTES = 1024


def folder() -> str:
    """The cache's folder, absolute, told by the environment as huggingface_hub.constants does; it need not exist.

    A variable that is set and empty counts as not set.
    """
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    hugging_face = os.environ.get("HF_HOME") or f"{home}/huggingface"
    hub = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or f"{hugging_face}/hub"
    return bounded_files.absolute(os.path.expandvars(os.path.expanduser(hub)))


def repos(cache: str) -> dict[str, str]:
    """Every model repo of the cache by id, sorted; a cache that does not exist has none. Raises OSError.

    A link that leads nowhere is one too: the drive that it leads to may be away.
    """
    try:
        with os.scandir(cache) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(_PREFIX) and _is_repo(entry)]
    except FileNotFoundError:
        return {}
    found = {_id(name): f"{cache}/{name}" for name in names}
    return dict(sorted(found.items()))


def _is_repo(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() or entry.is_dir()
    except OSError:
        return True  # it is told when it is opened


def _id(name: str) -> str:
    return name.removeprefix(_PREFIX).replace("--", "/", 1)


def folder_name(repo_id: str) -> str:
    """What a repo's folder is called in a cache."""
    return f"{_PREFIX}{repo_id.replace('/', '--', 1)}"


def repo(cache: str, repo_id: str) -> str | None:
    """The folder of exactly this repo, told without a look at the others; None where `repos` is to be asked."""
    name = folder_name(repo_id)
    if _id(name) != repo_id or not repo_id.isascii():
        return None
    try:
        # Not by asking for the folder alone: some file systems know it in any case of letters.
        folder = f"{cache}/{name}"
        return folder if name in os.listdir(cache) and os.path.isdir(folder) else None
    except OSError:
        return None


def snapshots(repo: str) -> list[str]:
    """A repo's snapshot folders, newest first; none where they cannot be listed."""
    try:
        with os.scandir(f"{repo}/snapshots") as entries:
            dated = sorted((-entry.stat().st_mtime_ns, entry.name) for entry in entries if entry.is_dir())
    except OSError:
        return []
    return [f"{repo}/snapshots/{name}" for _, name in dated]


def refs(repo: str) -> list[str]:
    """The names of a repo's first hundred refs, sorted; `refs/pr/1` and the like included."""
    root = f"{repo}/refs"
    names = (f"{at}/{name}"[len(root) + 1 :] for at, _, names in os.walk(root) for name in names)
    return sorted(islice(names, 100))


def snapshot_of_ref(repo: str, ref: str) -> str | None:
    """The snapshot that a ref names; None where there is no such ref, or none that names a snapshot here."""
    if any(part in ("", ".", "..") for part in ref.split("/")):
        return None
    try:
        commit = bounded_files.read(f"{repo}/refs/{ref}", _REF_BYTES).decode("utf-8").strip()
    except (OSError, ValueError):
        return None
    # What the file says becomes part of a path: it may name a folder in snapshots/, nothing above or below.
    if not commit or commit in (".", "..") or "/" in commit or "\0" in commit:
        return None
    snapshot = f"{repo}/snapshots/{commit}"
    return snapshot if os.path.isdir(snapshot) else None
