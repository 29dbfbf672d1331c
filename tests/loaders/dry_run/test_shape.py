"""A folder's shape: true headers and small files, no data, no code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from mlxk_rules.loaders.dry_run import shape


def header(tensors: dict[str, tuple[str, list[int], int]]) -> bytes:
    at, entries = 0, {}
    for name, (dtype, sizes, length) in tensors.items():
        entries[name] = {"dtype": dtype, "shape": sizes, "data_offsets": [at, at + length]}
        at += length
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


def test_weights_keep_their_size_and_lose_their_data(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    size = 1 << 33
    head = header({"a": ("F32", [1 << 31], size)})
    with (source / "model.safetensors").open("wb") as file:
        file.write(head)
        file.write(b"data")
        file.truncate(len(head) + size)
    shape.lay(str(source), tmp_path / "shape")
    made = tmp_path / "shape" / "model.safetensors"
    assert made.stat().st_size == len(head) + size
    assert made.stat().st_blocks * 512 < 1 << 20
    with made.open("rb") as file:
        assert file.read(len(head)) == head
        assert file.read(4) == b"\0" * 4


def test_code_and_pickles_stay_behind(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    for name in ("modeling.py", "pytorch_model.bin", "a.pkl", "m.gguf", "below/x.py", "below/kept.json", "config.json"):
        (source / name).write_text("{}")
    shape.lay(str(source), tmp_path / "shape")
    made = {str(path.relative_to(tmp_path / "shape")) for path in (tmp_path / "shape").rglob("*") if path.is_file()}
    assert made == {"below/kept.json", "config.json"}


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "gone.json").symlink_to("nowhere")
    os.mkfifo(source / "pipe.json")
    (source / "config.json").write_text("{}")
    shape.lay(str(source), tmp_path / "shape")
    assert os.listdir(tmp_path / "shape") == ["config.json"]


def test_a_file_that_is_no_safetensors_stays_one_that_is_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    shape.lay(str(source), tmp_path / "shape")
    assert (tmp_path / "shape" / "model.safetensors").read_bytes().startswith(b"version https://git-lfs")


def test_an_npz_becomes_the_header_of_a_safetensors_file(tmp_path: Path) -> None:
    import numpy

    source = tmp_path / "source"
    source.mkdir()
    numpy.savez(source / "weights.npz", **{"a.b": numpy.ones((3, 5), "float16"), "c": numpy.ones(7, "float32")})
    shape.lay(str(source), tmp_path / "shape")
    content = (tmp_path / "shape" / "weights.safetensors").read_bytes()
    entries = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert {name: (entry["dtype"], entry["shape"]) for name, entry in entries.items()} == {
        "a.b": ("F16", [3, 5]),
        "c": ("F32", [7]),
    }


def test_a_folder_of_too_many_files_has_no_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "_MAX_FILES", 5)
    source = tmp_path / "source"
    source.mkdir()
    for number in range(9):
        (source / f"{number}.json").write_text("{}")
    with pytest.raises(shape.NoShape, match="more than 5 files"):
        shape.lay(str(source), tmp_path / "shape")


def test_a_file_system_without_sparse_files_is_not_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "_SPARE_BYTES", -1 << 40)  # as if every block were written
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_bytes(header({}))
    with pytest.raises(shape.NoShape, match="no sparse files"):
        shape.lay(str(source), tmp_path / "shape")
