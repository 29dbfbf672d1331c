"""What the ranks tell one another before anything is loaded, and the first reason not to go on.

Each rank tells, in a bounded number of bytes, what it decided on its own machine, of which model, with which versions.
All of them hear the same, and so come to the same end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..problems import LoaderError

SIZE = 16 << 10  # bytes of a rank's message
_MAX_TEXT = 2_000  # characters of any text in it
# What must be the same of all, and what it is called. None is unknown, and as good as any other.
_VERSIONS = {"mlx_lm": "mlx-lm", "mlxk_rules": "mlxk-rules"}  # of mlx the policy warns
_MODEL = {
    "type": "of type `{}`",
    "bytes": "of {:,} bytes",
    "tensors": "of {:,} tensors",
    "layers": "of {} layers",
    "heads": "of {} attention heads",
    "key_value_heads": "of {} key-value heads",
    "vocabulary": "of a vocabulary of {:,}",
}

_KINDS = {"warnings": list, "versions": dict, "policy": dict, "model": dict}


class Refusal(NamedTuple):
    """Why no rank loads: the rank that it is about, and what is wrong. `decision` is a policy's own, or None."""

    rank: int
    code: str
    message: str
    help: str | None = None
    decision: dict[str, Any] | None = None
    by_all: bool = False


def identity(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a model from another one: {type, bytes, tensors, layers, heads, key_value_heads, vocabulary}."""
    config: Mapping[str, Any] = facts.get("config") or {}
    text = config.get("text_config")
    inner: Mapping[str, Any] = text if isinstance(text, dict) else config

    def count(name: str) -> int | None:
        value = inner.get(name, config.get(name))
        return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else None

    return {
        "type": facts["model"]["type"],
        "bytes": facts["weights"]["mlx_lm"]["size_bytes"],
        "tensors": facts["weights"]["count"],
        "layers": count("num_hidden_layers"),
        "heads": count("num_attention_heads"),
        "key_value_heads": count("num_key_value_heads"),
        "vocabulary": count("vocab_size"),
    }


def packed(told: Mapping[str, Any]) -> bytes:
    """What a rank tells, as SIZE bytes; texts are cut, and what is still too long is told to be so."""
    text = json.dumps(_cut(told)).encode()
    if len(text) > SIZE:
        text = json.dumps(
            {"error": {"code": "rank_failed", "message": "it has too much to tell", "help": None}}
        ).encode()
    return text.ljust(SIZE)


def unpacked(message: bytes) -> dict[str, Any]:
    """What a rank told; an error where that cannot be read."""
    try:
        return checked(json.loads(message))
    except (ValueError, RecursionError):
        return checked(None)


def checked(value: object) -> dict[str, Any]:
    """What a rank told, where it has all that this version tells; else an error, as of a rank of another version."""
    told = value if isinstance(value, dict) else {}
    error, decision = told.get("error"), told.get("decision")
    if isinstance(error, dict) and _are_texts(error, ("code", "message")):
        return told
    if (
        isinstance(decision, dict)
        and _are_texts(decision, ("decision", "backend"))
        and all(isinstance(told.get(name), kind) for name, kind in _KINDS.items())
        and "split" in told
    ):
        return told
    help = "have the same version of mlxk-rules on every host"
    return {"error": {"code": "rank_failed", "message": "what it tells cannot be read", "help": help}}


def _are_texts(value: dict[str, Any], names: Sequence[str]) -> bool:
    return all(isinstance(value.get(name), str) for name in names)


def refusal(told: Sequence[Mapping[str, Any]]) -> Refusal | None:
    """The first reason not to load, by what each rank told; None where all are for it.

    First what no rank can do, then what a policy refuses, then what differs from rank 0.
    """
    for rank, one in enumerate(told):
        if error := one.get("error"):
            return Refusal(rank, str(error.get("code")), str(error.get("message")), error.get("help"))
    for rank, one in enumerate(told):
        decision = one["decision"]
        if decision["decision"] == "block":
            by_all = all(other["decision"] == decision for other in told)
            message = decision["message"] or decision["error_type"] or "the policy does not allow it"
            return Refusal(rank, decision["error_type"] or "blocked", message, None, decision, by_all)
    for check in (_policy, _backend, _versions, _model, _split):
        for rank, one in enumerate(told):
            if why := check(told[0], one):
                return Refusal(rank, "ranks_differ", *why)
    return None


def _policy(first: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, str] | None:
    if first["policy"] == one["policy"]:
        return None
    return "it decides by another policy than rank 0", "have the same rule files on every host"


def _backend(first: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, str] | None:
    mine, other = one["decision"]["backend"], first["decision"]["backend"]
    return (
        None if mine == other else (f"it would load with {mine}, and rank 0 with {other}", "install the same packages")
    )


def _versions(first: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, str] | None:
    for key, name in _VERSIONS.items():
        mine, other = one["versions"].get(key), first["versions"].get(key)
        if mine is not None and other is not None and mine != other:
            return f"it has {name} {mine}, and rank 0 has {other}", "install the same versions on every host"
    return None


def _model(first: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, str] | None:
    for key, words in _MODEL.items():
        mine, other = one["model"].get(key), first["model"].get(key)
        if mine is not None and other is not None and mine != other:
            told = f"its model is {words.format(mine)}, and rank 0's {words.format(other)}"
            return told, "have the same model on every host"
    return None


def _split(first: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, str] | None:
    if first["split"] == one["split"]:
        return None
    return f"it would share by {one['split']}, and rank 0 by {first['split']}", "say which by --split"


def _cut(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key)[:_MAX_TEXT]: _cut(one) for key, one in value.items()}
    return value[:_MAX_TEXT] if isinstance(value, str) else value


class RankRefused(LoaderError):
    """A refusal as an error; `decision` is the policy's of that rank, in plain form, or None."""

    def __init__(self, refused: Refusal, name: str) -> None:
        """name: what the rank is called."""
        super().__init__(refused.code, f"{name}: {refused.message}", refused.help)
        self.decision = refused.decision
