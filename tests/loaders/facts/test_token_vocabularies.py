"""Whether two models have one vocabulary, told from their tokenizers' files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import vocabularies_differ

WORDS = {"a": 0, "b": 1}


def bpe(words: Any, added: Any = (), **more: Any) -> dict[str, Any]:
    return {"model": {"vocab": words, **more}, "added_tokens": [{"id": id, "content": word} for id, word in added]}


ROWS: dict[str, tuple[Any, Any, str | None]] = {
    "the same": (bpe(WORDS), bpe(WORDS), None),
    "the same in another order, with other merges": (bpe({"b": 1, "a": 0}, merges=[]), bpe(WORDS), None),
    "one written with its added tokens beside": (bpe(WORDS, [(2, "end")]), bpe({**WORDS, "end": 2}), None),
    "of pairs and of words": (bpe([["a", 0.1], ["b", 0.2]]), bpe(WORDS), None),
    "another word": (bpe({"a": 0, "c": 1}), bpe(WORDS), "token 1 is `c` there and `b` here"),
    "one more": (bpe({**WORDS, "c": 2}), bpe(WORDS), "token 2 is `c` there and none here"),
    "one more that was added": (bpe(WORDS), bpe(WORDS, [(7, "<think>")]), "token 7 is none there and `<think>` here"),
    "a word that acts on a terminal": (bpe({"\x1b[2J": 0}), bpe({"a": 0}), "token 0 is `\ufffd[2J` there and `a` here"),
    "no vocabulary": ({"model": {}}, bpe(WORDS), "a tokenizer cannot be read: tokenizer.json holds no vocabulary"),
    "words by texts": (bpe({"a": "0"}), bpe(WORDS), "a tokenizer cannot be read: tokenizer.json holds no vocabulary"),
    "pairs of nothing": (bpe([[], 7]), bpe(WORDS), "a tokenizer cannot be read: tokenizer.json holds no vocabulary"),
    "no JSON": ("{", bpe(WORDS), "a tokenizer cannot be read: expecting property name"),
    "none": (None, bpe(WORDS), "only one of the two has a tokenizer.json"),
    "none of either": (None, None, "their tokenizers are of different files"),
}


@pytest.mark.parametrize("name", ROWS)
def test_difference(name: str, tmp_path: Path) -> None:
    *contents, expected = ROWS[name]
    folders = [tmp_path / "draft", tmp_path / "model"]
    for folder, content in zip(folders, contents, strict=True):
        folder.mkdir()
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / "tokenizer.json").write_text(text, "utf-8")
    found = vocabularies_differ(str(folders[0]), str(folders[1]))
    assert (found or "").startswith(expected or "") and bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"tokenizer.model": b"x"}, {"tokenizer.model": b"x"}, None),
        ({"tokenizer.model": b"x"}, {"tokenizer.model": b"y"}, "their tokenizer.model differ"),
        ({"tokenizer.model": b"x"}, {"vocab.json": b"x"}, "their tokenizers are of different files"),
    ],
)
def test_of_slow_files(one: dict[str, bytes], other: dict[str, bytes], expected: str | None, tmp_path: Path) -> None:
    for name, files in (("draft", one), ("model", other)):
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_bytes(content)
    assert vocabularies_differ(str(tmp_path / "draft"), str(tmp_path / "model")) == expected
