"""The model files are of their shape, and the folders laid out of them are what the libraries would read."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from tokenizers import Tokenizer

from .build import lay
from .catalogue import KINDS, MODELS, Model, models, read
from .documents import SHARED, content_of
from .notation import text
from .ranges import compact, short, spread, whole
from .take import take
from .tensors import SIZES, expand, nbytes, rows_of, shards

pytestmark = pytest.mark.slow

BACKENDS = {"mlx_lm", "mlx_vlm", "mlx_audio"}


@cache
def every() -> dict[str, Model]:
    """All models of the zoo by their names, read when the first test wants them."""
    found = list(models())
    by_name = {model.name: model for model in found}
    assert len(by_name) == len(found), "a name twice"
    return by_name


def laid(name: str, folder: Path) -> tuple[Model, Path]:
    lay(every()[name], folder / name)
    return every()[name], folder / name


# --- the files


def test_every_file_is_of_its_shape() -> None:
    for model in every().values():
        assert model.kind in KINDS and model.source, model.name
        assert model.expect.keys() <= {"text", "image", "audio"}, model.name
        assert {backend for backends in model.expect.values() for backend in backends} <= BACKENDS, model.name
        assert model.truth.keys() <= BACKENDS, model.name
        for weights in model.weights.values():
            assert all(dtype in SIZES for dtype, _ in weights.tensors.values()), model.name


def test_what_is_expected_is_true() -> None:
    """A backend that is expected loads all that it needs; one that loads and is not expected has a reason."""
    parts = {"mlx_lm": "tokenizer", "mlx_vlm": "processor", "mlx_audio": "processor"}
    for model in every().values():
        assert model.truth.keys() == BACKENDS, model.name
        loads = {name for name, told in model.truth.items() if told["load"] == told.get(parts[name], "ok") == "ok"}
        expected = {backend for backends in model.expect.values() for backend in backends}
        assert expected <= loads and (loads <= expected or model.on_purpose or model.notes), model.name


def test_every_shared_document_is_used() -> None:
    used = {d["shared"] for m in every().values() for d in m.files.values() if isinstance(d, dict) and "shared" in d}
    held = {file.relative_to(SHARED).as_posix() for file in SHARED.rglob("*") if file.is_file()}
    assert {name.removesuffix(".xz").removesuffix(".yaml") for name in held} == used


def test_a_file_is_written_as_it_was() -> None:
    for model in list(every().values())[::40]:
        assert text(model) == (MODELS / model.kind / f"{model.name}.yaml").read_text("utf-8"), model.name


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    for wrong in ("name: [", "- a", "name: some\nsource: a\ncolour: red\n", "name: other\nsource: a\n"):
        file.write_text(wrong, "utf-8")
        with pytest.raises(ValueError, match=r"some\.yaml"):
            read(file)


# --- the folders


def test_headers_are_true(tmp_path: Path) -> None:
    model, folder = laid("mlx--mem-SmolLM2-135M-Instruct--bf16", tmp_path)
    tensors = expand(model.weights["model.safetensors"].tensors)
    with safe_open(folder / "model.safetensors", "np") as file:
        assert file.metadata() == {"format": "mlx"}
        found = {name: (file.get_slice(name).get_dtype(), tuple(file.get_slice(name).get_shape())) for name in tensors}
    assert found == tensors
    assert json.loads((folder / "config.json").read_text("utf-8")) == model.config


def test_shards_and_their_index(tmp_path: Path) -> None:
    _, folder = laid("mlx-community--Qwen3.5-27B-4bit", tmp_path)
    index = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
    assert index["metadata"]["total_size"] == 16_054_266_848, "as published"
    found: dict[str, str] = {}
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "np") as opened:
            found |= dict.fromkeys(opened.keys(), file.name)
    assert found == index["weight_map"]
    assert set(found.values()) == {f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)}


def test_weights_take_no_room(tmp_path: Path) -> None:
    _, folder = laid("mlx-community--Qwen3.5-27B-4bit", tmp_path)
    assert sum(file.stat().st_blocks * 512 for file in folder.iterdir()) < 2_000_000


def test_data_is_of_its_size(tmp_path: Path) -> None:
    _, folder = laid("hf--LiquidAI--LFM2-1.2B+gguf", tmp_path)
    assert (folder / "LFM2-1.2B-Q4_K_M.gguf").stat().st_size == 730_000_000


def test_an_npz_is_as_numpy_has_it(tmp_path: Path) -> None:
    _, folder = laid("mlx-community--whisper-tiny-mlx", tmp_path)
    assert (folder / "weights.npz").stat().st_size == 74_415_296, "as published"
    with np.load(folder / "weights.npz") as file:
        array = file["decoder.token_embedding.weight"]
        assert len(file.files) == 167 and array.shape == (51865, 384) and array.dtype == np.float16 and not array.any()


@pytest.mark.parametrize(
    "name",
    [
        "mlx--ome-llama3_2_1b--bits4-recipemixed_4_6",
        "mlx-community--Qwen2-VL-7B-Instruct-4bit",
        "openai--whisper-tiny.en",
        "openai--whisper-large-v3",
        "google--medgemma-27b-it",
        "google--embeddinggemma-300m",
        "mlx-community--whisper-tiny-mlx",
        "mlx-community--canary-1b-v2",
        "stabilityai--sdxl-base-1.0",
    ],
)
def test_a_folder_gives_its_file_back(name: str, tmp_path: Path) -> None:
    model, folder = laid(name, tmp_path)
    taken = take(folder, model.kind)
    ours = dict.fromkeys(("source", "notes", "quantisation", "made_with", "on_purpose"), "")
    assert taken == dataclasses.replace(model, **ours, expect={}, truth={}, files=taken.files)
    assert {file: content_of(said) for file, said in taken.files.items()} == {
        file: content_of(said) for file, said in model.files.items()
    }


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_a_stand_in_takes_any_text(kind: str) -> None:
    tokenizer = Tokenizer.from_str(content_of({"stand_in": kind, "added": ["<unk>", "<s>", "<|end|>"]}).decode())
    said = "Grüße, 世界!<|end|>"
    assert tokenizer.decode(tokenizer.encode(said).ids, skip_special_tokens=False).strip() == said
    assert tokenizer.token_to_id("<|end|>") == tokenizer.get_vocab_size() - 1


# --- the short form

names = st.lists(st.sampled_from(["a", "b", "0", "1", "2", "3", "7"]), min_size=1, max_size=4).map(".".join)
tensors = st.tuples(st.sampled_from(["BF16", "U32"]), st.tuples(st.integers(1, 3)))


def test_a_name_of_ranges() -> None:
    assert spread("a.{0-2,5}.b.{1,2}") == [f"a.{i}.b.{j}" for i in (0, 1, 2, 5) for j in (1, 2)]
    assert spread("{7} of {} and {x}") == ["{7} of {} and {x}"]


@given(st.dictionaries(names, tensors, max_size=30))
def test_tensors_come_back(every: dict[str, tuple[str, tuple[int, ...]]]) -> None:
    assert expand(rows_of(every)) == every
    assert all(part or not every for part in shards(every, 8))
    assert sum(nbytes(t) for part in shards(every, 8) for t in part.values()) == sum(map(nbytes, every.values()))


def test_a_layer_keeps_its_order() -> None:
    every = {f"l.{layer}.{part}": ("U8", (1,)) for layer in range(12) for part in (("a", "c") if layer else ("b", "c"))}
    assert list(expand(rows_of(every))) == list(every)
    assert list(rows_of(every)) == ["l.0.b", "l.{1-11}.a", "l.{0-11}.c"]


@settings(max_examples=200)
@given(st.lists(names, max_size=30) | st.dictionaries(names, st.integers(0, 2), max_size=30))
def test_what_is_short_is_whole_again(value: list[str] | dict[str, int]) -> None:
    assert whole(short(value)) == value


def test_a_row_is_one_line() -> None:
    assert short([f"<{number}>" for number in range(20)]) == ["<{0-19}>"]
    assert short({f"l.{n}.up": {"bits": 4} for n in range(20)}) == {"l.{0-19}.up": {"bits": 4}}
    assert compact({"a.0": 1, "a.1": 1, "a.2": 2}) == {"a.{0-1}": 1, "a.2": 2}
