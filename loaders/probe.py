"""A model's facts: one plain JSON value that holds everything that a rule may read, as rules/facts.yaml tells."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, cast

from ..rules import vocabulary
from . import documents, folder, installed, memory, mlx_audio, mlx_lm, mlx_vlm, plain, readme
from .resolve import Resolved, resolve

CONTEXTS = ("cli", "server")


def probe(
    model: str | os.PathLike[str],
    name: str | None = None,
    images: bool = False,
    audio: bool = False,
    context: str = "cli",
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Tells the facts of the folder that MODEL names, for a request that carries images or audio.

    `name` stands for model.name, `context` is cli or server; `trust_remote_code` says that the person knows of code in
    the folder (no code of a folder is ever run). The facts are nested by the dots of their names; sizes are
    in bytes. Nothing that the folder holds makes it raise: what could not be read stands in `problems`, with a reason.
    Raises LoaderError as `resolve` does, and ValueError for another context.
    """
    if context not in CONTEXTS:
        raise ValueError(f"context is {context!r}, and must be one of {', '.join(CONTEXTS)}")
    found = resolve(model)
    problems: dict[str, str] = {}
    facts: dict[str, Any] = {
        **_documents(found.path, problems),
        "model": _model(found, name, problems),
        "readme": _readme(found.path, problems),
        "tokenizer": _tokenizer(found.path, problems),
        "request": {
            "images": bool(images),
            "audio": bool(audio),
            "context": context,
            "trust_remote_code": bool(trust_remote_code),
        },
        "runtime": runtime(),
        "memory": {"total_bytes": memory.total_bytes()},
        "problems": problems,
    }
    config = cast("dict[str, Any] | None", facts["config"])
    model_type = config.get("model_type") if config else None
    facts["model"]["type"] = model_type if isinstance(model_type, str) else None
    return facts


def runtime() -> dict[str, Any]:
    """The facts below `runtime`: this Python, and each backend's version and model types."""
    return {
        "python": list(sys.version_info[:3]),
        "mlx_lm": _backend("mlx_lm"),
        "mlx_vlm": _backend("mlx_vlm"),
        "mlx_audio": _backend("mlx_audio"),
    }


def _backend(name: str) -> dict[str, Any]:
    package = installed.find(name)
    lists = {kind: list(types) for kind, types in asdict(_support(name, package and package.folder)).items()}
    return {"installed": package is not None, "version": package and package.version, **lists}


@cache  # a program that lists a hundred models asks a hundred times
def _support(name: str, package: Path | None) -> mlx_lm.Support | mlx_vlm.Support | mlx_audio.Support:
    backend = {"mlx_lm": mlx_lm, "mlx_vlm": mlx_vlm, "mlx_audio": mlx_audio}[name]
    return backend.supported(package) if package else backend.Support()


def _model(found: Resolved, name: str | None, problems: dict[str, str]) -> dict[str, Any]:
    scan = folder.scan(found.path)
    if scan.problems:
        problems["model.files"] = "; ".join(scan.problems)
    return {
        "name": plain.text(found.name if name is None else name),
        "path": plain.text(str(found.path)),
        "folder": plain.text(found.path.name),
        "files": scan.files,
        "files_cut_off": scan.cut_off,
        "size_bytes": scan.size_bytes,
        # In the cache every snapshot of the repo counts; elsewhere two levels above is some other folder.
        "snapshots_hold_weights": folder.holds_weights(found.path.parent.parent / "snapshots"),
    }


def _documents(path: Path, problems: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for entry in vocabulary()["documents"]:
        document = documents.read(path / entry["file"], entry["max_bytes"])
        facts[entry["name"]] = document.value
        facts[f"{entry['name']}_status"] = document.status
        if document.reason:
            problems[entry["name"]] = document.reason
        if entry["name"] == "config":
            facts["config_has_content"] = document.has_content
    return facts


def _readme(path: Path, problems: dict[str, str]) -> dict[str, Any]:
    front = readme.read(path / "README.md")
    if front.reason:
        problems["readme.tags"] = problems["readme.library_name"] = front.reason
    return {"tags": front.tags, "library_name": front.library_name}


def _tokenizer(path: Path, problems: dict[str, str]) -> dict[str, Any]:
    has_template, reason = documents.has_chat_template(path / "tokenizer.json")
    if reason:
        problems["tokenizer.chat_template"] = reason
    return {"chat_template": has_template}
