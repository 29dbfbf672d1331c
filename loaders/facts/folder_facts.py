"""The facts that a folder itself tells: its documents, its tokenizer's files, and which weights each backend finds."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

from ...engine.storage.data_files import vocabulary
from .. import bounded_files
from . import documents, plain_json, readme, tokenizer, weights
from .documents import Document
from .folder import MAX_ENTRIES, Listing

_SIDECARS = {
    "generation_config": "generation_config.json",
    "special_tokens_map": "special_tokens_map.json",
    "added_tokens": "added_tokens.json",
    "video_preprocessor": "video_preprocessor_config.json",
    "hf_quant_config": "hf_quant_config.json",
}
_SIDECAR_BYTES = 4 << 20
_MAX_LISTED = 50
# What a backend opens besides, where it is there: one that is a pipe would keep it waiting for ever.
_OPENED = (
    "tokenizer.json",
    "chat_template.jinja",
    "chat_template.json",
    "merges.txt",
    *tokenizer.SLOW,
    weights.INDEX,
)


def read(path: Path, listing: Listing, memory: Iterable[str]) -> dict[str, Any]:
    """Every fact of a folder, with None for those of the request and the machine, and for the model's name.

    Nothing that the folder holds makes it raise: what could not be read stands in `problems`, with a reason.
    """
    problems: dict[str, str] = {}
    facts: dict[str, Any] = {
        **_documents(path, listing.root, problems),
        "model": _model(path, listing, problems),
        "readme": _readme(path, problems),
        "request": None,
        "runtime": None,
        "memory": dict.fromkeys(memory),
        "dry_run": None,
        "problems": problems,
    }
    config = cast("dict[str, Any] | None", facts["config"])
    model_type = config.get("model_type") if config else None
    facts["model"]["type"] = model_type if isinstance(model_type, str) else None
    names = cast("list[str]", facts["model"]["files"])
    facts["tokenizer"] = _tokenizer(path, names, problems)
    sidecars = {file: _document(path, file, _SIDECAR_BYTES, listing.root) for file in _SIDECARS.values()}
    facts["sidecars"] = {name: sidecars[file].status for name, file in _SIDECARS.items()}
    read = weights.read(path)
    facts["model"]["unreadable"] = _unreadable(path, facts, sidecars, read)
    facts["weights"] = _weights(read)
    facts["code"] = {
        "python_files": [name for name in names if name.endswith(".py") and "/" not in name][:_MAX_LISTED],
        "pickles": [plain_json.text(name) for name in read.pickles],
    }
    return facts


def _unreadable(path: Path, facts: dict[str, Any], sidecars: dict[str, Document], read: weights.Weights) -> list[str]:
    """What the backends read and cannot, as "file: reason"."""
    problems = facts["problems"]
    found = {
        entry["file"]: problems[entry["name"]]
        for entry in vocabulary()["documents"]
        if facts[f"{entry['name']}_status"] == "unreadable"
    }
    found |= {file: document.reason for file, document in sidecars.items() if document.status == "unreadable"}
    for name in _names_like(path, _OPENED):
        if reason := bounded_files.why_unreadable(path / name):
            found[name] = reason
    if facts["tokenizer"]["status"] == "unreadable":
        found["tokenizer.json"] = problems["tokenizer.status"]
    listed = {f"{name}: {reason}" for name, reason in found.items()}
    listed.update(*(one.unreadable for one in (read.mlx_lm, read.mlx_vlm, read.mlx_audio)))
    return sorted(map(plain_json.text, listed))[:_MAX_LISTED]


def _names_like(path: Path, patterns: Sequence[str]) -> list[str]:
    """What lies at the root under one of these names, whatever it is."""
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in islice(entries, MAX_ENTRIES)]
    except OSError:
        return []
    return [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def _weights(read: weights.Weights) -> dict[str, Any]:
    found = {"mlx_lm": read.mlx_lm, "mlx_vlm": read.mlx_vlm, "mlx_audio": read.mlx_audio}
    # What all of them find is told once.
    chosen = next((one for one in (read.mlx_vlm, read.mlx_lm, read.mlx_audio) if one.tensors), read.mlx_vlm)
    backends: dict[str, dict[str, Any]] = {
        name: {
            "files": one.files,
            "size_bytes": one.size_bytes,
            "faults": one.faults,
            "missing_shards": one.missing_shards,
        }
        for name, one in found.items()
    }
    return {
        "formats": read.formats,
        "index": read.index_status,
        "count": len(chosen.tensors),
        "made_by": next(iter(chosen.made_by)) if len(chosen.made_by) == 1 else None,
        **backends,
    }


def _model(path: Path, found: Listing, problems: dict[str, str]) -> dict[str, Any]:
    if found.problems:
        problems["model.files"] = "; ".join(found.problems)
    return {
        "name": None,
        "path": plain_json.text(str(path)),
        "folder": plain_json.text(path.name),
        "files": found.files,
        "files_cut_off": found.cut_off,
        "size_bytes": found.size_bytes,
        "snapshots_hold_weights": False,
    }


def _documents(path: Path, root: frozenset[str] | None, problems: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for entry in vocabulary()["documents"]:
        document = _document(path, entry["file"], entry["max_bytes"], root)
        facts[entry["name"]] = document.value
        facts[f"{entry['name']}_status"] = document.status
        if document.reason:
            problems[entry["name"]] = document.reason
        if entry["name"] == "config":
            facts["config_has_content"] = document.has_content
    return facts


def _document(path: Path, name: str, max_bytes: int, root: frozenset[str] | None) -> Document:
    if root is not None and name not in root:
        return documents.MISSING  # what the walk did not see need not be asked for
    return documents.read(path / name, max_bytes)


def _readme(path: Path, problems: dict[str, str]) -> dict[str, Any]:
    front = readme.read(path / "README.md")
    if front.reason:
        problems["readme.tags"] = problems["readme.library_name"] = front.reason
    return {"tags": list(front.tags), "library_name": front.library_name}


def _tokenizer(path: Path, names: list[str], problems: dict[str, str]) -> dict[str, Any]:
    read = tokenizer.read(path, names)
    if read.template_reason:
        problems["tokenizer.chat_template"] = read.template_reason
    if read.reason:
        problems["tokenizer.status"] = plain_json.text(read.reason)
    return {
        "status": read.status,
        "chat_template": read.chat_template,
        "slow_files": list(read.slow_files[:_MAX_LISTED]),
    }
