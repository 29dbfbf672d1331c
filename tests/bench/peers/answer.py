"""From a gate's id to the decision, as whoever uses a peer would write it: a peer's answer is then of the same use as
the engine's, and the two are compared over the same work, message and all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

About = dict[str, Any]
ROOT = Path(__file__).parents[3]
POLICY = {"name": "mlx", "version": "2.0.4"}


def _engines_own() -> Any:
    # The peers' environment has no mlxk_rules: the engine's folder stands in for its package, of which nothing runs.
    for name, folder in (("mlxk_rules", ROOT), ("mlxk_rules.engine", ROOT / "engine")):
        package = sys.modules.setdefault(name, ModuleType(name))
        package.__path__ = [str(folder)]
    return import_module("mlxk_rules.engine.decision").Decision


Decision: Any = _engines_own()


def about(facts: dict[str, Any], derived: dict[str, Any]) -> About:
    """What the messages speak of, flat."""
    return {
        "name": facts["model"]["name"],
        "type": facts["model"]["type"],
        "size": facts["model"]["size_bytes"],
        "total": facts["memory"]["total_bytes"],
        "python": facts["runtime"]["python"],
        "reason": derived["runtime_reason"],
        "framework": derived["framework"],
    }


def decision_of(gate: str, about: About) -> Any:
    constant = _CONSTANT.get(gate)
    if constant is not None:
        return constant
    decide, backend, error, http, message = _WITH_MESSAGE[gate]
    return Decision(decide, backend, gate, error, http, message(about), POLICY)


def _size(size: float) -> str:
    for unit, factor in (("TB", 1024**4), ("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:g} bytes"


def _block(error: str, http: int, message: Callable[[About], str]) -> tuple[Any, ...]:
    return "block", "unsupported", error, http, message


def _large(a: About) -> str:
    return f"`{a['name']}` has {_size(a['size'])} of {_size(a['total'])} memory, more than 70%"


_CONSTANT = {
    gate: Decision("allow", backend, gate, None, None, None, POLICY)
    for gate, backend in (("audio-speech", "mlx_audio"), ("vision", "mlx_vlm"), ("text", "mlx_lm"))
}
_WITH_MESSAGE = {
    "audio-capability": _block(
        "capability_mismatch", 400, lambda a: f"`{a['name']}` takes no audio: nothing in its files speaks of it"
    ),
    "audio-dependency": _block(
        "missing_dependency", 501, lambda a: f"`{a['name']}` is a speech model, and mlx-audio is not installed"
    ),
    "audio-backend": _block(
        "unknown_audio_backend",
        501,
        lambda a: f"`{a['name']}` takes audio, but no backend for its type `{a['type']}` is known",
    ),
    "vision-capability": _block(
        "capability_mismatch", 400, lambda a: f"`{a['name']}` takes no images: nothing in its files speaks of them"
    ),
    "vision-python": _block(
        "python_version_error",
        501,
        lambda a: f"mlx-vlm needs Python 3.10 or later, this is {'.'.join(map(str, a['python']))}",
    ),
    "vision-dependency": _block(
        "missing_dependency", 501, lambda a: f"`{a['name']}` needs mlx-vlm, which is not installed"
    ),
    "vision-memory": _block(
        "insufficient_memory", 507, lambda a: f"{_large(a)}: a vision model would end in an out-of-memory abort"
    ),
    "text-dependency": _block(
        "missing_dependency", 501, lambda a: f"`{a['name']}` needs mlx-lm, which is not installed"
    ),
    "text-runtime": _block(
        "runtime_incompatible",
        501,
        lambda a: f"mlx-lm cannot load `{a['name']}`: {a['reason']} (type {a['type']}, {a['framework']})",
    ),
    "text-memory": ("warn", "mlx_lm", None, None, lambda a: f"{_large(a)}: expect swapping"),
}
