"""A model's facts: one plain JSON value that holds everything that a rule may read, as rules/facts.yaml tells."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from ..rules import vocabulary
from . import (
    demands,
    documents,
    folder,
    installed,
    kv_cache,
    memory,
    mlx_audio,
    mlx_lm,
    mlx_vlm,
    modules,
    plain,
    prompt,
    readme,
    support_cache,
    tensors,
    tokenizer,
    weights,
)
from .installed import Installed
from .resolve import Resolved, resolve

CONTEXTS = ("cli", "server")
BACKENDS = ("mlx_lm", "mlx_vlm", "mlx_audio")
_SIDECARS = {
    "generation_config": "generation_config.json",
    "special_tokens_map": "special_tokens_map.json",
    "added_tokens": "added_tokens.json",
    "video_preprocessor": "video_preprocessor_config.json",
    "hf_quant_config": "hf_quant_config.json",
}
_SIDECAR_BYTES = 4 << 20
_MAX_LISTED = 50


def probe(
    model: str | os.PathLike[str],
    name: str | None = None,
    images: bool = False,
    audio: bool = False,
    context: str = "cli",
    trust_remote_code: bool = False,
    context_tokens: int | None = None,
) -> dict[str, Any]:
    """Tells the facts of the folder that MODEL names, for a request that carries images or audio.

    `name` stands for model.name, `context` is cli or server; `trust_remote_code` says that the person knows of code in
    the folder (no code of a folder is ever run); `context_tokens` is how long prompt and answer may get. The facts are
    nested by the dots of their names; sizes are in bytes. Nothing that the folder holds makes it raise: what could not
    be read stands in `problems`, with a reason.
    Raises LoaderError as `resolve` does, and ValueError for another context.
    """
    if context not in CONTEXTS:
        raise ValueError(f"context is {context!r}, and must be one of {', '.join(CONTEXTS)}")
    found = resolve(model)
    packages = {name: installed.find(name) for name in BACKENDS}
    problems: dict[str, str] = {}
    facts: dict[str, Any] = {
        **_documents(found.path, problems),
        "model": _model(found, name, problems),
        "readme": _readme(found.path, problems),
        "request": {
            "images": bool(images),
            "audio": bool(audio),
            "context": context,
            "trust_remote_code": bool(trust_remote_code),
            "context_tokens": context_tokens,
        },
        "runtime": runtime(packages),
        "memory": {
            "total_bytes": memory.total_bytes(),
            "available_bytes": memory.available_bytes(),
            "recommended_bytes": memory.recommended_bytes(),
            "accelerator": memory.accelerator(_mlx()),
        },
        "problems": problems,
    }
    config = cast("dict[str, Any] | None", facts["config"])
    facts["language"] = dict(tensors.language_config(config)) if config is not None else None
    model_type = config.get("model_type") if config else None
    facts["model"]["type"] = model_type if isinstance(model_type, str) else None
    names = cast("list[str]", facts["model"]["files"])
    facts["tokenizer"] = _tokenizer(found.path, names, problems)
    facts["sidecars"] = {
        name: documents.read(found.path / file, _SIDECAR_BYTES).status for name, file in _SIDECARS.items()
    }
    facts["demands"] = {name: {"missing": _missing(name, package, config)} for name, package in packages.items()}
    read = weights.read(found.path)
    facts["weights"] = _weights(read, packages, config)
    facts["code"] = {
        "python_files": [name for name in names if name.endswith(".py") and "/" not in name][:_MAX_LISTED],
        "pickles": [plain.text(name) for name in read.pickles],
    }
    dtype = cast("str | None", facts["weights"]["dtype"])
    facts["memory"]["kv_bytes_per_token"] = kv_cache.bytes_per_token(config, dtype)
    facts["memory"]["prompt_bytes_per_token"] = prompt.bytes_per_token(config, dtype)
    facts["memory"]["score_bytes_per_pair"] = prompt.score_bytes(config, dtype, facts["memory"]["accelerator"])
    return facts


def runtime(packages: Mapping[str, Installed | None] | None = None) -> dict[str, Any]:
    """The facts below `runtime`: this Python, and each backend's version and model types; looked up where not given."""
    found = packages or {name: installed.find(name) for name in BACKENDS}
    return {"python": list(sys.version_info[:3]), **{name: _backend(name, found[name]) for name in BACKENDS}}


def _backend(name: str, package: Installed | None) -> dict[str, Any]:
    lists = {kind: list(types) for kind, types in asdict(_support(name, package)).items()}
    return {"installed": package is not None, "version": package and package.version, **lists}


@cache  # a program that lists a hundred models asks a hundred times
def _support(name: str, package: Installed | None) -> mlx_lm.Support | mlx_vlm.Support | mlx_audio.Support:
    backend = {"mlx_lm": mlx_lm, "mlx_vlm": mlx_vlm, "mlx_audio": mlx_audio}[name]
    if package is None:
        return backend.Support()
    kept = support_cache.get(package, [field.name for field in fields(backend.Support)])
    if kept is not None:
        return backend.Support(**{kind: tuple(types) for kind, types in kept.items()})
    support = backend.supported(package.folder)
    support_cache.put(package, asdict(support))
    return support


def _mlx() -> Path | None:
    """Where the package mlx is, which is a namespace on Linux until a back end is installed into it."""
    try:
        spec = find_spec("mlx")
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _missing(name: str, package: Installed | None, config: dict[str, Any] | None) -> list[str] | None:
    return None if package is None or config is None else demands.MISSING[name](package.folder, config)


def _misfit(
    name: str, package: Installed | None, found: weights.Found, config: dict[str, Any] | None
) -> modules.Misfit:
    if package is None or config is None or not found.tensors or found.faults:
        return modules.Misfit()
    file = demands.MODULE[name](package.folder, config)
    if file is None:
        return modules.Misfit()
    return modules.misfit(file, package, found.tensors, config, droppable=name == "mlx_vlm")


def _weights(
    read: weights.Weights, packages: Mapping[str, Installed | None], config: dict[str, Any] | None
) -> dict[str, Any]:
    found = {"mlx_lm": read.mlx_lm, "mlx_vlm": read.mlx_vlm, "mlx_audio": read.mlx_audio}
    # What all of them find is told once.
    chosen = next((one for one in (read.mlx_vlm, read.mlx_lm, read.mlx_audio) if one.tensors), read.mlx_vlm)
    width = tensors.integer(tensors.language_config(config), "hidden_size", "n_embd", "d_model", "n_text_state")
    made_by = chosen.made_by
    contents = tensors.contents(chosen.tensors, width, next(iter(made_by)) if len(made_by) == 1 else None)
    backends: dict[str, dict[str, Any]] = {}
    for name, one in found.items():
        fit = _misfit(name, packages[name], one, config)
        backends[name] = {
            "files": one.files,
            "size_bytes": one.size_bytes,
            "faults": one.faults,
            "missing_shards": one.missing_shards,
            "missing_tensors": _plain(fit.missing),
            "missing_parts": _plain(fit.parts),
            "extra_tensors": _plain(fit.extra),
        }
    return {"formats": read.formats, "index": read.index_status, **asdict(contents), **backends}


def _plain(names: list[str] | None) -> list[str] | None:
    return None if names is None else [plain.text(name) for name in names]


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


def _tokenizer(path: Path, names: list[str], problems: dict[str, str]) -> dict[str, Any]:
    read = tokenizer.read(path, names)
    if read.template_reason:
        problems["tokenizer.chat_template"] = read.template_reason
    if read.reason:
        problems["tokenizer.status"] = plain.text(read.reason)
    return {"status": read.status, "chat_template": read.chat_template, "slow_files": read.slow_files[:_MAX_LISTED]}
