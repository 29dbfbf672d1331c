"""The truth is taken as it stands in the files, and written without touching anything else of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from . import retake
from .asking import words_of
from .cache import LENGTHS, cache_bytes, layers
from .catalogue import MODELS

FILE = """\
# a model
name: some  # as published
source: here
truth:
  mlx_lm: {load: ok}
  mlx_vlm:
    load: no
config: {model_type: llama}
"""


def test_the_truth_alone_is_written() -> None:
    truth = {"mlx_lm": {"load": "ValueError: no", "tokenizer": "ok"}}
    written = retake.with_truth(FILE, truth)
    assert yaml.safe_load(written) == yaml.safe_load(FILE) | {"truth": truth}
    assert written.splitlines()[:3] == FILE.splitlines()[:3] and written.endswith("\nconfig: {model_type: llama}\n")
    without = "".join(line for line in FILE.splitlines(True) if line[0] != " " and not line.startswith("truth"))
    assert retake.with_truth(without, truth) == written


def test_changes_are_told() -> None:
    old = {"mlx_lm": {"load": "ok", "bytes": 1}, "mlx_vlm": {"load": "ok"}}
    new = {"mlx_lm": {"load": "ok", "bytes": 2, "tokenizer": "ok"}}
    assert list(retake.changes(old, new)) == [
        "mlx_lm.bytes: 1 -> 2",
        "mlx_lm.tokenizer: - -> ok",
        "mlx_vlm.load: ok -> -",
    ]
    assert list(retake.changes(old, old)) == []


def test_words_hold_nothing_of_a_machine() -> None:
    said = OSError(f"no weights in /some/place/org--name\nof {sys.prefix}")
    assert words_of(said, Path("/some/place/org--name")) == "OSError: no weights in FOLDER"
    assert len(words_of(ValueError("x" * 500), Path("a"))) == 160


class Window:
    """Of a layer that keeps 3000 tokens, as mlx-lm's caches are."""

    def __init__(self, mx: Any) -> None:
        self.mx, self.keys = mx, None

    def update_and_fetch(self, keys: Any, values: Any) -> tuple[Any, Any]:
        self.keys = keys if self.keys is None else self.mx.concatenate([self.keys[..., -3000:, :], keys], axis=2)
        return keys, values


class ArraysCache:
    """Of a recurrent layer."""

    def __init__(self) -> None:
        self.cache: list[Any] = [None]


class Pool:
    """A cache of a kind that is not known: a token in four is kept."""

    def __init__(self, mx: Any) -> None:
        self.mx, self.pooled, self.count = mx, None, 0

    def take(self, count: int) -> None:
        self.count += count
        self.pooled = self.mx.zeros((self.count // 4, 2), self.mx.float16)


def model(tokens: Any, cache: Any) -> None:
    import mlx.core as mx

    length = tokens.shape[1]
    for layer in layers(cache):
        if isinstance(layer, Window):
            layer.update_and_fetch(*[mx.zeros((1, 2, length, 4), mx.float16)] * 2)
        elif isinstance(layer, Pool):
            layer.take(length)
        else:
            layer.cache[0] = mx.zeros((5, 5), mx.float32)
    mx.eval(tokens)


def test_the_cache_by_its_own_classes() -> None:
    import mlx.core as mx

    kept = [length if length < 3000 else 3000 + 2048 for length in LENGTHS]
    found = cache_bytes(model, lambda _: [Window(mx), None, SimpleNamespace(caches=[Window(mx), ArraysCache()])])
    assert found == {length: 2 * 16 * held + 100 for length, held in zip(LENGTHS, kept, strict=True)}
    found = cache_bytes(model, lambda _: [Window(mx), Pool(mx)])
    assert found == {length: 16 * held + length for length, held in zip(LENGTHS, kept, strict=True)}


def test_wrong_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert retake.main(["nothing-is-named-so"]) == 2
    assert "nothing-is-named-so" in capsys.readouterr().err


@pytest.mark.slow
def test_the_truth_is_what_the_libraries_say(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["mlx--mem-SmolLM2-135M-Instruct--bf16", "mlx-community--SmolVLM2-500M-Video-Instruct-mlx"]
    before = {file: file.read_text("utf-8") for name in names for file in MODELS.glob(f"*/{name}.yaml")}
    assert retake.main([*names, "openai--whisper-tiny.en"]) == 0, capsys.readouterr().out
    assert "0 of 3 models changed" in capsys.readouterr().out
    assert {file: file.read_text("utf-8") for file in before} == before
