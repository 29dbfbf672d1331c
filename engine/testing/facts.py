"""Whole facts from the few that a case names: what is left out is as the probe would tell it of an ordinary model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from ..facts.assignments import size_in_bytes
from ..facts.vocabulary import ABSENT, vocabulary
from ..facts.wording import GIB
from ..storage import data_files
from .cases import Setting

ORDINARY: dict[str, Any] = {
    "model.name": "org/model",
    "model.path": "/models/model",
    "model.folder": "model",
    "model.size_bytes": GIB,
    "runtime.python": [3, 12, 0],
    "runtime.mlx_lm.installed": True,
    "runtime.mlx_vlm.installed": True,
    "runtime.mlx_audio.installed": True,
    "memory.total_bytes": 64 * GIB,
}
ORDINARY_TYPE = "llama"
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_EMPTY: dict[str, Any] = {"boolean": False, "number": 0, "string": "", "array": [], "object": {}}


def settled(settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the settings as nested facts, the later ones merged over the earlier: objects key by key."""
    facts: dict[str, Any] = {}
    for setting in settings:
        value = setting.value
        fact = vocabulary().facts.get(setting.name)
        if fact is not None and fact.unit == "bytes" and isinstance(value, str):
            size = size_in_bytes(value)
            value = value if size is None else size
        for part in reversed(setting.path):
            value = {part: value}
        facts = merged(facts, value)
    return facts


def merged(under: Any, over: Any) -> Any:
    """Return `over` laid on `under`: objects are merged, anything else is replaced."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    both = {key: merged(under[key], value) if key in under else value for key, value in over.items()}
    return {**under, **both}


def completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with every fact of the vocabulary.

    The documents agree with one another: model.type is config's model_type and the other way round, NAME_status follows
    from NAME, and model.files names every document that is there, and model.safetensors.
    """
    facts: dict[str, Any] = _type_and_config(dict(given))
    files: list[str] = ["model.safetensors"]
    for document in data_files.vocabulary()["documents"]:
        name, status = document["name"], f"{document['name']}_status"
        if status not in facts:
            facts[status] = _status(facts.get(name))
        facts.setdefault(name, None)
        if facts[status] != "missing":
            files.append(document["file"])
    facts.setdefault("config_has_content", bool(facts["config"]))
    facts["model"] = {"files": sorted(files), **facts["model"]}
    return merged(_ordinary(), facts)


@cache
def _ordinary() -> dict[str, Any]:
    """Return every fact of an ordinary model, nested."""
    facts: dict[str, Any] = {}
    for name, fact in vocabulary().facts.items():
        value = ORDINARY.get(name, fact.default)
        if value is ABSENT:
            value = next((_EMPTY[kind] for kind in sorted(fact.type.kinds) if kind in _EMPTY), None)
        for part in reversed(name.split(".")):
            value = {part: value}
        facts = merged(facts, value)
    return facts


def _type_and_config(facts: dict[str, Any]) -> dict[str, Any]:
    model = facts.get("model", {})
    broken = facts.get("config_status", "ok") not in ("ok", "empty")
    if "config" not in facts:
        facts["config"] = None if broken else {}
        if not broken and facts.get("config_status") != "empty" and "type" not in model:
            facts["config"] = {"model_type": ORDINARY_TYPE}
    config = facts["config"]
    if "type" not in model:
        written = config.get("model_type") if isinstance(config, dict) else None
        if isinstance(config, dict) and "model_type" not in config and facts.get("config_status") != "empty":
            written = ORDINARY_TYPE
        facts["model"] = {**model, "type": written if isinstance(written, str) else None}
    kind = facts["model"]["type"]
    if isinstance(config, dict) and "model_type" not in config and isinstance(kind, str):
        facts["config"] = {"model_type": kind, **config}
    return facts


def _status(value: Any) -> str:
    return "missing" if value is None else "ok" if value else "empty"


def filled(value: Any, row: Mapping[str, Any]) -> Any:
    """Return `value` with every `{{ key }}` replaced from `row`; one that stands alone keeps its type."""
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value.strip())
        if whole and whole[1] in row:
            return row[whole[1]]
        return _PLACEHOLDER.sub(lambda found: str(row.get(found[1], found[0])), value)
    if isinstance(value, dict):
        return {key: filled(inner, row) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(filled(inner, row) for inner in value)
    return value


def placeholders(value: Any) -> set[str]:
    """Return the keys that `value` has placeholders for."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return {key for part in inner for key in placeholders(part)}
