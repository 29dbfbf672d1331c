"""The header of a safetensors file: what is sound is what MLX loads, and each fault has its word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlxk_rules.loaders.facts import safetensors

ENTRY = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}


def encoded(header: Any, body: bytes = b"\0" * 16) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(**more: Any) -> bytes:
    return encoded({"a": ENTRY | more})


SOUND = {
    "one": entry(),
    "a scalar": entry(shape=[], data_offsets=[0, 4]),
    "nothing in it": entry(shape=[0, 4], data_offsets=[0, 0]),
    "bytes behind": entry() + b"more",
    "a hole": encoded({"a": ENTRY | {"data_offsets": [16, 32]}}, b"\0" * 32),
    "an extra key": entry(more=1),
    "spaces": encoded(b"  " + json.dumps({"a": ENTRY}).encode() + b"   "),
    "metadata": encoded({"__metadata__": {"format": "mlx"}, "a": ENTRY}),
    "fp8": entry(dtype="F8_E4M3", shape=[16]),
}
FAULTS = {
    b"": "empty",
    b"\1\2\3": "not a safetensors file",
    b"\0" * 20: "not a safetensors file",
    b"<!DOCTYPE html><html>": "not a safetensors file",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "a Git LFS pointer, not the file itself",
    entry()[:40]: "cut off in its header",
    entry()[:-1]: "cut off in its data, tensor `a`",
    encoded(b"{" * 30): "a header that is not JSON",
    encoded(b"[" * 99_999): "a header that is not JSON",
    encoded(b'{"\xff": 1}'): "a header that is not JSON",
    encoded([1]): "a header that is not an object",
    encoded({"a": 5}): "a header that is not a safetensors header, tensor `a`",
    encoded({"__metadata__": {"format": 7}}): "a header whose metadata is not text",
    entry(data_offsets=[0]): "a header that is not a safetensors header, tensor `a`",
    entry(data_offsets=[0, 16, 32]): "a header that is not a safetensors header, tensor `a`",
    entry(shape=[-4]): "a shape or an offset that is no number, tensor `a`",
    entry(shape=[True]): "a shape or an offset that is no number, tensor `a`",
    entry(shape=[3]): "a shape that does not fit its bytes, tensor `a`",
    entry(data_offsets=[16, 0]): "a shape that does not fit its bytes, tensor `a`",
    entry(dtype="F64", shape=[2]): "a data type that MLX has not, `F64`, tensor `a`",
    entry(dtype=["F32"]): "a header that is not a safetensors header, tensor `a`",
    encoded({"a": ENTRY, "b": ENTRY}): "tensors that share bytes",
}


@pytest.mark.parametrize("name", SOUND)
def test_sound(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(SOUND[name])
    header = safetensors.read(tmp_path / "x")
    assert (header.fault, list(header.tensors)) == (None, ["a"])


@pytest.mark.parametrize("content", FAULTS, ids=lambda content: FAULTS[content])
def test_faults(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    header = safetensors.read(tmp_path / "x")
    assert (header.fault, header.tensors) == (FAULTS[content], {})


@pytest.mark.slow
@pytest.mark.parametrize("content", [*SOUND.values(), *FAULTS])
def test_mlx_says_the_same(tmp_path: Path, content: bytes) -> None:
    """But for tensors that share bytes, which it loads."""
    import mlx.core as mx

    (tmp_path / "x.safetensors").write_bytes(content)
    try:
        mx.eval(mx.load(str(tmp_path / "x.safetensors")))
        loads = True
    except Exception:
        loads = False
    fault = safetensors.read(tmp_path / "x.safetensors").fault
    assert loads is (fault in (None, "tensors that share bytes"))


def test_a_header_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.write((90_000_000).to_bytes(8, "little"))
        file.truncate(200_000_000)
    assert safetensors.read(tmp_path / "x", 1000).unreadable
    (tmp_path / "y").write_bytes((100_000_000).to_bytes(8, "little"))
    assert safetensors.read(tmp_path / "y").fault == "not a safetensors file"


@given(st.binary(max_size=80) | st.binary(max_size=60).map(encoded))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(content)
    safetensors.read(path)
