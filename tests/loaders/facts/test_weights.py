"""Which weight files each backend finds, what is wrong with them, and what is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlxk_rules.loaders import probe
from mlxk_rules.loaders.facts import tokenizer, weights

from ..conformity import complaints
from .test_safetensors import ENTRY, encoded

SOUND = encoded({"a": ENTRY})
INDEX = "model.safetensors.index.json"
TWO = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def found(folder: Path, files: dict[str, Any]) -> dict[str, list[str]]:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / name).write_bytes(data)
    read = weights.read(folder)
    return {"mlx_lm": read.mlx_lm.files, "mlx_vlm": read.mlx_vlm.files, "mlx_audio": read.mlx_audio.files}


@pytest.mark.parametrize(
    ("names", "mlx_lm", "mlx_vlm", "mlx_audio"),
    [
        (["model.safetensors"], ["model.safetensors"], ["model.safetensors"], ["model.safetensors"]),
        (["weights.safetensors"], [], ["weights.safetensors"], ["weights.safetensors"]),
        (["consolidated.safetensors"], [], [], ["consolidated.safetensors"]),
        (["weights.npz", "x.gguf", "pytorch_model.bin"], [], [], ["weights.npz"]),
        (["model.safetensors", "weights.npz"], ["model.safetensors"], ["model.safetensors"], ["model.safetensors"]),
        ([".model.safetensors", "model.SAFETENSORS"], [], [], []),
        (TWO, TWO, TWO, TWO),
        ([], [], [], []),
    ],
)
def test_files(tmp_path: Path, names: list[str], mlx_lm: Any, mlx_vlm: Any, mlx_audio: Any) -> None:
    told = found(tmp_path, dict.fromkeys(names, SOUND))
    assert told == {"mlx_lm": mlx_lm, "mlx_vlm": mlx_vlm, "mlx_audio": mlx_audio}


def test_a_folder_whose_name_is_a_pattern_has_no_files_for_a_glob(tmp_path: Path) -> None:
    assert found(tmp_path / "m[4bit]", {"model.safetensors": SOUND})["mlx_lm"] == []


def test_mlx_vlm_goes_by_the_index(tmp_path: Path) -> None:
    index = {"weight_map": {"a": TWO[0], "b": TWO[1], "c": "gone"}}
    told = found(tmp_path, {TWO[0]: SOUND, "adapters.safetensors": SOUND, INDEX: index})
    assert told["mlx_vlm"] == [TWO[0]] and told["mlx_lm"] == [TWO[0]]
    assert weights.read(tmp_path).mlx_vlm.missing_shards == [TWO[1]]


@pytest.mark.parametrize(
    ("index", "status", "fault"),
    [
        (b"", "empty", False),
        (b"{", "invalid", False),
        (b"[1]", "not_an_object", True),
        (b'{"weight_map": [1]}', "not_an_object", True),
        (b'{"weight_map": {"a": 1}}', "not_an_object", True),
        (b'{"weight_map": {"a": "../../x"}}', "ok", True),
        (b'{"weight_map": {"a": "/etc/passwd"}}', "ok", True),
        (b"{}", "empty", False),
    ],
)
def test_an_index(tmp_path: Path, index: bytes, status: str, fault: bool) -> None:
    assert found(tmp_path, {"model.safetensors": SOUND, INDEX: index})["mlx_vlm"] == ["model.safetensors"]
    read = weights.read(tmp_path)
    assert (read.index_status, bool(read.mlx_vlm.faults), bool(read.mlx_lm.faults)) == (status, fault, False)


def test_shards_are_missed_by_number_and_by_the_index_of_who_reads_it(tmp_path: Path) -> None:
    found(tmp_path, {TWO[1]: SOUND})
    assert weights.read(tmp_path).mlx_lm.missing_shards == [TWO[0]]
    found(tmp_path / "a", {"model.safetensors": SOUND, INDEX: {"weight_map": {"b": "model-9.safetensors"}}})
    assert weights.read(tmp_path / "a").mlx_vlm.missing_shards in ([], ["model-9.safetensors"])
    assert weights.read(tmp_path / "a").mlx_lm.missing_shards == []
    # An index that was left over is about other tensors.
    found(tmp_path / "b", {"model.safetensors": SOUND, INDEX: {"weight_map": {"x.y": "other.safetensors"}}})
    assert weights.read(tmp_path / "b").mlx_lm.missing_shards == []


def test_odd_entries_are_faults(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    (tmp_path / "model-2.safetensors").symlink_to("gone")
    found = weights.read(tmp_path).mlx_lm
    assert found.faults == ["model-2.safetensors: a link that leads nowhere"]
    assert found.unreadable == ["model.safetensors: a folder, not a file"]


LARGE = b'{"added_tokens": [], "model": {"vocab": {' + b",".join(b'"x%d": 1' % n for n in range(40_000)) + b"}}}"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"added_tokens": [], "model": {"vocab": {}}}', "ok"),
        (b'{"added_tokens": [], "model": {}}', "incomplete"),
        (b'{"model": {"vocab": {}}}', "incomplete"),
        (b"{}", "empty"),
        (b"", "empty"),
        (b"[1]", "not_an_object"),
        (b'{"added_tokens": []', "invalid"),
        (LARGE, "ok"),
        (LARGE + b"\n", "ok"),
        (LARGE[:-1], "invalid"),
        (LARGE[: len(LARGE) // 2], "invalid"),
        (LARGE.replace(b'"added_tokens"', b'"added"'), "incomplete"),
        (LARGE.replace(b"x77", b"x\xff7"), "invalid"),
    ],
)
def test_a_tokenizer(tmp_path: Path, content: bytes, status: str) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    assert tokenizer.read(tmp_path, []).status == status


NAMES = ["model.safetensors", INDEX, "config.json", "tokenizer.json", "model-00001-of-00002.safetensors", "w.npz"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["weight_map", "a", "dtype", "shape", "text_config"]), inner, max_size=3)
    ),
)
CONFIGS = st.sampled_from(["llama", "qwen2_vl", "whisper", "gemma3", "../x", "\0", "x" * 300]).flatmap(
    lambda name: VALUES.map(lambda value: {"model_type": name, "text_config": value, "quantization": value})
)
BYTES = st.binary(max_size=60) | (VALUES | CONFIGS).map(lambda value: json.dumps(value).encode()) | VALUES.map(encoded)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), BYTES))
def test_any_bytes_give_facts(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert complaints(probe(folder, dry_run=False)) == []


@pytest.mark.parametrize("place", [0, 1, 3, 65_535, 65_536, 65_537, 131_070, 299_000])
@pytest.mark.parametrize("bad", [b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98"])
def test_a_byte_that_is_no_utf8_is_found_where_it_is(tmp_path: Path, place: int, bad: bytes) -> None:
    # Characters of three bytes lie across the ends of the pieces that are looked at.
    head = b'{"added_tokens": [], "model": {"vocab": ["'
    text = "\u20ac".encode() * 100_000
    place -= place % 3
    content = head + text[:place] + bad + text[place:] + b'"]}}'
    with pytest.raises(UnicodeDecodeError) as error:
        content.decode("utf-8")
    (tmp_path / "tokenizer.json").write_bytes(content)
    found = tokenizer.read(tmp_path, [])
    assert (found.status, found.reason) == ("invalid", f"not UTF-8 at byte {error.value.start}")
    (tmp_path / "tokenizer.json").write_bytes(head + text + b'"]}}')
    assert tokenizer.read(tmp_path, []).status == "ok"
