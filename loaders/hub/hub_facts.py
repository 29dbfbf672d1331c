"""What only the hub tells of a model that is not here, as the facts below `hub`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..host.installed import BACKENDS
from ..resolving import hub_cache

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .shape import Shape


def of_shape(facts: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The facts of a repo of the hub, made of those of its shape."""
    # Other shapes beside it are no snapshots that are here.
    facts["model"] |= {"missing_files": [], "missing_bytes": None, "whole_revision": None}
    if not shape.readable:
        from ...engine.storage.data_files import vocabulary

        facts = _unread(facts, {entry["name"]: entry["file"] for entry in vocabulary()["documents"]})
    return {**facts, "hub": _told(shape, facts["weights"])}


def _told(shape: Shape, weights: Mapping[str, Any]) -> dict[str, Any]:
    from .needed_files import needed

    listing = shape.listing
    repo = f"{hub_cache.folder()}/{hub_cache.folder_name(listing.repo)}"
    sizes = {
        backend: sum(_missing_bytes(repo, shape, name) for name in needed(listing.files, backend, weights))
        for backend in BACKENDS
    }
    return {
        "commit": listing.commit,
        "gated": listing.gated,
        "private": listing.private,
        "readable": shape.readable,
        "model_type": listing.model_type,
        "free_bytes": _free_bytes(repo),
        **{backend: {"download_bytes": size} for backend, size in sizes.items()},
    }


def _unread(facts: dict[str, Any], documents: Mapping[str, str]) -> dict[str, Any]:
    """The facts of a folder whose files nobody may read: by `documents`, the names of the files by those of facts."""
    files = set(facts["model"]["files"])
    reason = "the repo is gated, and gives this token no access"
    hidden = [name for name, file in documents.items() if file in files]
    status = {f"{name}_status": "unreadable" for name in hidden}
    found = facts["weights"]
    empty = {"size_bytes": 0, "faults": [], "missing_shards": []}
    weights = {**found, "count": 0, "made_by": None, **{name: {**found[name], **empty} for name in BACKENDS}}
    if found["index"] != "missing":
        weights["index"] = "unreadable"
    tokenizer = {**facts["tokenizer"], "chat_template": False}
    if tokenizer["status"] != "missing":
        tokenizer["status"] = "unreadable"
    return {
        **facts,
        **dict.fromkeys(documents),
        **status,
        "config_has_content": False,
        "model": {**facts["model"], "type": None},
        "weights": weights,
        "tokenizer": tokenizer,
        "sidecars": {name: "missing" if one == "missing" else "unreadable" for name, one in facts["sidecars"].items()},
        "problems": dict.fromkeys([*hidden, "weights.count"], reason),
    }


def _missing_bytes(repo: str, shape: Shape, name: str) -> int:
    """What is still to be fetched of a file for the Hugging Face cache."""
    file = shape.listing.files[name]
    here = f"{repo}/snapshots/{shape.listing.commit}/{name}"
    if os.path.exists(here) or (file.blob is not None and os.path.exists(f"{repo}/blobs/{file.blob}")):
        return 0
    return file.size


def _free_bytes(path: str) -> int | None:
    """What is free on the disk that a folder is on, or would be."""
    while not os.path.isdir(path):
        above = os.path.dirname(path)
        if above == path:
            return None
        path = above
    import shutil  # no part of an answer about what is here

    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None
