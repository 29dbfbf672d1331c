"""An ordinary text model: what witnesses differ from, so that only what matters need be printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...facts.vocabulary import ABSENT, vocabulary
from ...facts.wording import GIB

ORDINARY: dict[str, Any] = {
    "model": {
        "name": "mlx-community/model",
        "path": "/models/model",
        "folder": "model",
        "type": "llama",
        "files": ["config.json", "model.safetensors", "tokenizer.json"],
        "size_bytes": 4 * GIB,
    },
    "config": {"model_type": "llama"},
    "config_status": "ok",
    "runtime": {
        "python": [3, 12, 0],
        "mlx_lm": {"installed": True, "version": "99.0", "model_types": ["llama"]},
        "mlx_vlm": {"installed": True, "version": "99.0"},
        "mlx_audio": {"installed": True, "version": "99.0"},
    },
    "memory": {"total_bytes": 64 * GIB},
}


def ordinary() -> dict[str, Any]:
    """Return the ordinary facts, whole: every fact that the vocabulary has."""
    facts, _ = vocabulary().complete(ORDINARY)
    return facts


def value_at(facts: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, ABSENT where there is none."""
    value: Any = facts
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return ABSENT
        value = cast("Mapping[str, Any]", value)[name]
    return value


def put(facts: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the facts with another value at a dotted path, ABSENT takes it away; objects on the way are made."""
    name, _, rest = path.partition(".")
    result = dict(facts)
    if rest:
        inner = result.get(name)
        result[name] = put(cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}, rest, value)
    elif value is ABSENT:
        result.pop(name, None)
    else:
        result[name] = value
    return result


FILLER = "_"  # the key that makes an object non-empty of which nothing else is known


def type_path(path: str) -> tuple[str, bool]:
    """Return the vocabulary's fact that a path is in, and whether the path is of a key below it."""
    facts = vocabulary().facts
    if path in facts:
        return path, False
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        if (name := ".".join(parts[:end])) in facts:
            return name, True
    return path, False
