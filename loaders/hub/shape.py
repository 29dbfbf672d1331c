"""The shape of a repo as a folder: every file by name and true size, those that tell something with what they tell.

It is kept in this program's own cache folder, never in Hugging Face's, by commit; no data of a tensor is in it. A file
that no folder of a model has marks it, and no loader takes a folder that has one (facts/folder.py).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from ...engine.storage import cache_folder
from ..facts.folder import SHAPE_MARK, is_shape
from ..problems import LoaderError
from ..resolving.hub_cache import folder_name
from ..resolving.model_names import Resolved
from . import client, excerpts
from .client import Hub
from .excerpts import Piece, Told
from .listing import Listing, RemoteFile, ask
from .names import Remote, is_commit

_FOLDER = "hub"
# Of another way to lay a shape nothing is taken.
_FORMAT = 1
_MAX_KEPT = 64
_SPARE_BYTES = 1 << 20


class Shape(NamedTuple):
    """`resolved`: its folder, named as the repo; `listing`; `readable`: whether the files may be read, which those of
    a gated repo may not be without access."""

    resolved: Resolved
    listing: Listing
    readable: bool


def look(remote: Remote, told: Told | None = None) -> Shape:
    """Asks the hub about a repo, and lays its shape; by a whole commit that was asked for before nothing is asked.

    `told` is called as the files come in, with how many have and how many there are. Raises LoaderError:
    hub_not_installed, hub_offline, no_network, hub_timeout, no_hub_answer, hub_fault, hub_refused, hub_too_much,
    rate_limited, repo_not_found, revision_not_found, not_signed_in, no_model, unwritable_shape.
    """
    if remote.revision is not None and is_commit(remote.revision):
        kept = _kept(remote.repo, remote.revision)
        if kept is not None:
            return kept
    hub = Hub()
    listing = ask(hub, remote)
    kept = _kept(listing.repo, listing.commit)
    if kept is not None:
        return kept._replace(listing=listing)
    try:
        pieces = excerpts.fetch(hub, listing, told)
    except LoaderError as error:
        if error.code != "gated_repo":
            raise
        return Shape(_laid(listing, {}, _temporary()), listing, readable=False)
    place = _place(listing.repo)
    folder = _laid(listing, pieces, place or _temporary())
    if place is not None:
        _keep(listing, place)
    return Shape(folder, listing, readable=True)


def _record(repo: str, commit: str) -> str:
    return f"{_FOLDER}/{_key(repo)}/{commit}.listing"


def _key(repo: str) -> str:
    return cache_folder.file_name(f"{client.endpoint()} {repo}".encode())


def _kept(repo: str, commit: str) -> Shape | None:
    """What was laid before. Believed only where the record beside it is, which nobody else could have written."""
    record = cache_folder.read(_record(repo, commit), dict)
    if record is None or record.get("format") != _FORMAT or record.get("repo") != repo:
        return None
    folder = f"{cache_folder.folder()}/{_FOLDER}/{_key(repo)}/{folder_name(repo)}/snapshots/{commit}"
    if not is_shape(folder):
        return None
    files = {name: RemoteFile(*file) for name, file in record["files"].items()}
    listing = Listing(
        repo, commit, record["gated"], record["private"], files, tuple(record["bases"]), record["model_type"]
    )
    return Shape(Resolved(repo, folder, repo, commit), listing, readable=True)


def _keep(listing: Listing, place: str) -> None:
    record: dict[str, Any] = {
        "format": _FORMAT,
        "repo": listing.repo,
        "gated": listing.gated,
        "private": listing.private,
        "bases": listing.bases,
        "model_type": listing.model_type,
        "files": {name: tuple(file) for name, file in listing.files.items()},
    }
    cache_folder.write(_record(listing.repo, listing.commit), record)
    _prune(os.path.dirname(place), os.path.basename(place))


def _place(repo: str) -> str | None:
    """The folder in our cache folder for the shapes of a repo; None where nothing is to be kept."""
    # Written and read again: so the folder is there, and nobody else's.
    probe = f"{_FOLDER}/{_key(repo)}/repo.listing"
    cache_folder.write(probe, {"repo": repo})
    found = cache_folder.read(probe, dict)
    return f"{cache_folder.folder()}/{_FOLDER}/{_key(repo)}" if found == {"repo": repo} else None


def _temporary() -> str:
    place = tempfile.mkdtemp(prefix="mlxk-rules-hub-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def _prune(above: str, newest: str) -> None:
    """Removes the shapes of the repos that were asked about longest ago, where there are more than so many."""
    try:
        with os.scandir(above) as entries:
            others = [one for one in entries if one.name != newest and _is_ours(one)]
            dated = sorted((one.stat(follow_symlinks=False).st_mtime_ns, one.path) for one in others)
    except OSError:
        return
    for _, path in dated[: max(0, len(dated) + 1 - _MAX_KEPT)]:
        shutil.rmtree(path, ignore_errors=True)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return len(entry.name) == 16 and set(entry.name) <= set("0123456789abcdef") and entry.is_dir(follow_symlinks=False)


def _laid(listing: Listing, pieces: dict[str, list[Piece]], place: str) -> Resolved:
    """Lays the folder, whole or not at all. Raises LoaderError unwritable_shape."""
    folder = Path(place) / folder_name(listing.repo) / "snapshots" / listing.commit
    draft = folder.with_name(f".{os.getpid()}-{time.monotonic_ns()}.tmp")
    try:
        draft.mkdir(parents=True, mode=0o700)
        (draft / SHAPE_MARK).touch()
        for name, file in listing.files.items():
            _lay(draft / name, file.size, pieces.get(name, []))
        if folder.exists():  # of another time, or of another process just now
            shutil.rmtree(folder)
        draft.rename(folder)
    except (OSError, ValueError) as error:
        if not is_shape(folder):
            reason = getattr(error, "strerror", None) or str(error)
            message = f"the shape of `{listing.repo}` cannot be laid in the cache folder: {reason}"
            raise LoaderError("unwritable_shape", message, "XDG_CACHE_HOME names another place") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Resolved(listing.repo, str(folder), listing.repo, listing.commit)


def _lay(path: Path, size: int, pieces: list[Piece]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for begin, content in pieces:
            file.seek(begin)
            file.write(content[: size - begin])
        file.truncate(size)
        file.flush()
        taken = os.fstat(file.fileno()).st_blocks * 512
    if taken > sum(len(content) for _, content in pieces) + len(pieces) * 8192 + _SPARE_BYTES:
        raise ValueError("it keeps no sparse files")
