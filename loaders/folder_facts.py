"""The facts that a folder itself tells: its documents, tokenizer, weights, and what backends would make of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..rules import vocabulary
from . import demands, documents, kv_cache, modules, plain, prompt, readme, tensors, tokenizer, weights
from .documents import Document
from .folder import Folder, Listing
from .host import Host
from .installed import Installed

_SIDECARS = {
    "generation_config": "generation_config.json",
    "special_tokens_map": "special_tokens_map.json",
    "added_tokens": "added_tokens.json",
    "video_preprocessor": "video_preprocessor_config.json",
    "hf_quant_config": "hf_quant_config.json",
}
_SIDECAR_BYTES = 4 << 20
_MAX_LISTED = 50


def read(path: Path, listing: Listing, machine: Host) -> dict[str, Any]:
    """Every fact of a folder, with None for those of the request and the machine, and for the model's name.

    Nothing that the folder holds makes it raise: what could not be read stands in `problems`, with a reason.
    """
    packages, accelerator = machine.packages, machine.memory["accelerator"]
    problems: dict[str, str] = {}
    facts: dict[str, Any] = {
        **_documents(path, listing.root, problems),
        "model": _model(path, listing.folder, problems),
        "readme": _readme(path, problems),
        "request": None,
        "runtime": None,
        "memory": dict.fromkeys(machine.memory),
        "problems": problems,
    }
    config = cast("dict[str, Any] | None", facts["config"])
    facts["language"] = dict(tensors.language_config(config)) if config is not None else None
    model_type = config.get("model_type") if config else None
    facts["model"]["type"] = model_type if isinstance(model_type, str) else None
    names = cast("list[str]", facts["model"]["files"])
    facts["tokenizer"] = _tokenizer(path, names, problems)
    facts["sidecars"] = {
        name: _document(path, file, _SIDECAR_BYTES, listing.root).status for name, file in _SIDECARS.items()
    }
    facts["demands"] = {name: {"missing": _missing(name, package, config)} for name, package in packages.items()}
    read = weights.read(path)
    facts["weights"] = _weights(read, packages, config)
    facts["code"] = {
        "python_files": [name for name in names if name.endswith(".py") and "/" not in name][:_MAX_LISTED],
        "pickles": [plain.text(name) for name in read.pickles],
    }
    dtype = cast("str | None", facts["weights"]["dtype"])
    facts["memory"]["kv_bytes_per_token"] = kv_cache.bytes_per_token(config, dtype)
    facts["memory"]["prompt_bytes_per_token"] = prompt.bytes_per_token(config, dtype)
    facts["memory"]["score_bytes_per_pair"] = prompt.score_bytes(config, dtype, accelerator)
    return facts


def _missing(name: str, package: Installed | None, config: dict[str, Any] | None) -> list[str] | None:
    return None if package is None or config is None else demands.MISSING[name](package.path, config)


def _misfit(
    name: str, package: Installed | None, found: weights.Found, config: dict[str, Any] | None
) -> modules.Misfit:
    if package is None or config is None or not found.tensors or found.faults:
        return modules.Misfit()
    file = demands.MODULE[name](package.path, config)
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
    told = contents._asdict()
    return {"formats": read.formats, "index": read.index_status, "count": told.pop("number"), **told, **backends}


def _plain(names: list[str] | None) -> list[str] | None:
    return None if names is None else [plain.text(name) for name in names]


def _model(path: Path, found: Folder, problems: dict[str, str]) -> dict[str, Any]:
    if found.problems:
        problems["model.files"] = "; ".join(found.problems)
    return {
        "name": None,
        "path": plain.text(str(path)),
        "folder": plain.text(path.name),
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
        problems["tokenizer.status"] = plain.text(read.reason)
    return {
        "status": read.status,
        "chat_template": read.chat_template,
        "slow_files": list(read.slow_files[:_MAX_LISTED]),
    }
