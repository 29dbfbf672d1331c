"""Facts and decisions by hand, as small as backends.running needs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders.backends.running import stream
from mlxk_rules.loaders.problems import LoaderError


def facts_of(folder: Path, *, images: bool = False, audio: bool = False) -> dict[str, Any]:
    try:
        model_type = json.loads((folder / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError):
        model_type = None
    return {
        "model": {"name": folder.name, "path": str(folder), "type": model_type},
        "request": {"images": images, "audio": audio, "context": "cli"},
    }


def allow(backend: str) -> dict[str, Any]:
    return {"decision": "allow", "backend": backend, "gate": "test", "error_type": None, "message": None}


def answer(
    folder: Path,
    backend: str,
    prompt: str = "Hi there",
    *,
    images: Sequence[Path] = (),
    audio: Sequence[Path] = (),
    **more: Any,
) -> str:
    facts = facts_of(folder, images=bool(images), audio=bool(audio))
    return "".join(stream(facts, allow(backend), prompt, images=images, audio=audio, **more))


def failure(folder: Path, backend: str, **more: Any) -> LoaderError:
    """The error in which the run ends; checks what holds for all of them."""
    with pytest.raises(LoaderError) as caught:
        answer(folder, backend, **more)
    error = caught.value
    assert "\n" not in error.message
    assert error.message.isprintable()
    assert len(error.message) < 400
    return error


def merge(folder: Path, name: str, more: dict[str, Any]) -> None:
    """Adds keys to a JSON file of the folder, which may be missing."""
    file = folder / name
    value = json.loads(file.read_bytes()) if file.exists() else {}
    file.write_text(json.dumps(value | more))
