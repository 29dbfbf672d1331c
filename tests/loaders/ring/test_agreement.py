"""What ranks tell one another: bounded, read whatever it is, and the first reason that keeps them from loading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mlxk_rules.loaders.ring.agreement import SIZE, checked, identity, packed, refusal, unpacked

ALLOW = {"decision": "allow", "backend": "mlx_lm", "gate": "text", "error_type": None, "message": None}
BLOCK = {**ALLOW, "decision": "block", "backend": "unsupported", "error_type": "too_large", "message": "too large"}
MODEL = {"type": "llama", "bytes": 10, "tensors": 2, "layers": 4, "heads": 4, "key_value_heads": 2, "vocabulary": 270}
TOLD: dict[str, Any] = {
    "decision": ALLOW,
    "warnings": [],
    "versions": {"mlx_lm": "0.32.2", "mlxk_rules": "0.1.0"},
    "policy": {"name": "mlx", "version": "4.0.0", "files": "a"},
    "model": MODEL,
    "split": "tensor",
}
ERROR = {"error": {"code": "model_not_found", "message": "no such model", "help": None}}


def but(**other: Any) -> dict[str, Any]:
    return {**TOLD, **other}


@pytest.mark.parametrize(
    ("told", "rank", "code", "message"),
    [
        ([TOLD, TOLD], None, "", ""),
        ([TOLD, but(model={**MODEL, "bytes": None})], None, "", ""),
        ([TOLD, but(versions={"mlx_lm": None, "mlxk_rules": "0.1.0"})], None, "", ""),
        ([TOLD, ERROR], 1, "model_not_found", "no such model"),
        ([but(decision=BLOCK), ERROR], 1, "model_not_found", "no such model"),
        ([TOLD, but(decision=BLOCK)], 1, "too_large", "too large"),
        ([TOLD, but(model={**MODEL, "heads": 6}, decision=BLOCK)], 1, "too_large", "too large"),
        ([TOLD, TOLD, but(model={**MODEL, "heads": 6})], 2, "ranks_differ", "its model is of 6 attention heads, and"),
        (
            [TOLD, but(model={**MODEL, "type": "qwen2"})],
            1,
            "ranks_differ",
            "its model is of type `qwen2`, and rank 0's",
        ),
        ([TOLD, but(versions={"mlx_lm": "0.32.1"})], 1, "ranks_differ", "it has mlx-lm 0.32.1, and rank 0 has 0.32.2"),
        ([TOLD, but(policy={"name": "own"})], 1, "ranks_differ", "it decides by another policy than rank 0"),
        ([TOLD, but(decision={**ALLOW, "backend": "mlx_vlm"})], 1, "ranks_differ", "it would load with mlx_vlm, and"),
        ([TOLD, but(split="pipeline")], 1, "ranks_differ", "it would share by pipeline, and rank 0 by tensor"),
    ],
)
def test_the_first_reason(told: list[dict[str, Any]], rank: int | None, code: str, message: str) -> None:
    found = refusal([unpacked(packed(one)) for one in told])
    if rank is None:
        assert found is None
    else:
        assert found is not None
        assert (found.rank, found.code) == (rank, code) and found.message.startswith(message)


def test_it_is_told_whether_all_refuse() -> None:
    one, all_of_them = refusal([TOLD, but(decision=BLOCK)]), refusal([but(decision=BLOCK)] * 3)
    assert one and all_of_them and (one.by_all, all_of_them.by_all) == (False, True)


@pytest.mark.parametrize(
    "told",
    [
        TOLD,
        ERROR,
        but(warnings=["x" * 50_000]),
        but(warnings=["x" * 1900] * 9),
        but(decision={**BLOCK, "message": "\0" * 9999}),
    ],
)
def test_every_message_has_the_same_size(told: dict[str, Any]) -> None:
    assert len(packed(told)) == SIZE
    assert checked(json.loads(packed(told))) == json.loads(packed(told))


@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"7", b"[]", b"{}", b'{"error": 7}', b'{"error": {}}', b'{"decision": {}}', b"\xff" * SIZE, b"[" * SIZE]
    + [json.dumps(TOLD | {name: 7}).encode() for name in ("decision", "versions", "policy", "model")],
)
def test_a_message_that_is_none(message: bytes) -> None:
    found = refusal([unpacked(message)])
    assert found is not None and (found.code, found.message) == ("rank_failed", "what it tells cannot be read")


def test_what_tells_a_model_from_others() -> None:
    config = {
        "num_hidden_layers": 2,
        "num_attention_heads": True,
        "vocab_size": 1 << 60,
        "text_config": {"num_key_value_heads": 3},
    }
    facts = {"model": {"type": "x"}, "weights": {"count": 5, "mlx_lm": {"size_bytes": 7}}, "config": config}
    assert identity(facts) == {
        "type": "x", "bytes": 7, "tensors": 5, "layers": 2, "heads": None, "key_value_heads": 3, "vocabulary": None,
    }  # fmt: skip
