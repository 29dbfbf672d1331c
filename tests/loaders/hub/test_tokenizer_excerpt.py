"""Large files of a tokenizer without most of their vocabulary: valid, as long, and the same to whoever asks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from mlxk_rules.loaders.facts import tokenizer as probed
from mlxk_rules.loaders.hub import tokenizer_excerpt
from mlxk_rules.loaders.hub.tokenizer_excerpt import FIRST_BYTES, MOST_BYTES, TAIL_BYTES, TooShort

ADDED = ("<|end|>", "<image>")
SIZE = 30_000


def words() -> Iterator[str]:
    chosen = random.Random(1)
    while True:
        yield "".join(chosen.choices("abcdefghijklmnopqrstuvwxyz\u00e9\u4e2d", k=8))


def bytes_bpe() -> Any:
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    entries = [*sorted(alphabet), *(word for word, _ in zip(words(), range(SIZE), strict=False))]
    model = tokenizers.models.BPE({word: number for number, word in enumerate(dict.fromkeys(entries))}, [])
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    return made


def pieces_bpe() -> Any:
    entries = ["<unk>", "<s>", "</s>", *(f"<0x{number:02X}>" for number in range(256))]
    entries += [word for word, _ in zip(words(), range(SIZE), strict=False)]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(entries))}
    made = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    made.decoder = tokenizers.decoders.Sequence([tokenizers.decoders.ByteFallback(), tokenizers.decoders.Fuse()])
    return made


def word_pieces() -> Any:
    entries = ["[PAD]", "[UNK]", *(word for word, _ in zip(words(), range(SIZE), strict=False))]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(entries))}
    return tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))


def excerpt_of(content: bytes) -> bytes | None:
    length = FIRST_BYTES
    while length <= min(len(content), MOST_BYTES):
        try:
            return tokenizer_excerpt.excerpt(content[:length], content[-TAIL_BYTES:], len(content))
        except TooShort:
            length *= 4
    return None


def written(made: Any, folder: Path, pretty: bool) -> bytes:
    made.add_special_tokens(list(ADDED))
    made.save(str(folder / "tokenizer.json"), pretty=pretty)
    return (folder / "tokenizer.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("make", [bytes_bpe, pieces_bpe, word_pieces])
def test_the_libraries_take_it(tmp_path: Path, make: Callable[[], Any], pretty: bool) -> None:
    made = make()
    whole = written(made, tmp_path, pretty)
    before = probed.read(tmp_path, ["tokenizer.json"])
    found = excerpt_of(whole)
    assert found is not None and len(found) == len(whole)
    (tmp_path / "tokenizer.json").write_bytes(found)
    assert probed.read(tmp_path, ["tokenizer.json"]) == before
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert [again.token_to_id(token) for token in ADDED] == [made.token_to_id(token) for token in ADDED]
    text = f"Hello{ADDED[1]}"
    assert again.encode(text).ids[-1] == made.token_to_id(ADDED[1])
    old, new = json.loads(whole), json.loads(found)
    assert {**old, "model": 0} == {**new, "model": 0} and len(new["model"]["vocab"]) < len(old["model"]["vocab"])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"model":', '"modell":', 1),
        lambda text: text.replace("{", '{"chat_template": "x",', 1),
        lambda text: text.replace('"added_tokens":', '"other":', 1),
        lambda text: f'{{"model": {json.dumps(json.loads(text)["model"])}, "added_tokens": []}}',
        lambda text: text.replace('"vocab":{', '"vocab":[["', 1),
        lambda text: text.replace('"version":', '"version": nul', 1),
        lambda text: "<!doctype html>" + text,
        lambda text: "[" * 200_000 + text,
        lambda text: text.replace('"unk_token":"<unk>"', '"unk_token":"<none>"', 1),
    ],
)
def test_what_is_written_otherwise_is_read_whole(tmp_path: Path, change: Callable[[str], str]) -> None:
    text = written(pieces_bpe(), tmp_path, pretty=False).decode()
    assert excerpt_of(change(text).encode()) is None


def test_bad_text_at_the_head_is_read_whole(tmp_path: Path) -> None:
    whole = written(bytes_bpe(), tmp_path, pretty=False)
    assert excerpt_of(whole[:5000] + b"\xff" + whole[5001:]) is None


@pytest.mark.slow
def test_any_cut_is_told(tmp_path: Path) -> None:
    whole = written(bytes_bpe(), tmp_path, pretty=False)
    for length in [*range(0, 3000, 7), *range(60_000, 60_050)]:
        try:
            found = tokenizer_excerpt.excerpt(whole[:length], whole[-TAIL_BYTES:], len(whole))
        except TooShort:
            continue
        assert found is None or (len(found) == len(whole) and json.loads(found))


def test_many_added_tokens_ask_for_a_longer_head(tmp_path: Path) -> None:
    made = bytes_bpe()
    made.add_special_tokens([f"<|reserved_{number}|>" for number in range(2000)])
    whole = written(made, tmp_path, pretty=True)
    with pytest.raises(TooShort):
        tokenizer_excerpt.excerpt(whole[:FIRST_BYTES], whole[-TAIL_BYTES:], len(whole))
    assert excerpt_of(whole) is not None


def test_the_older_files(tmp_path: Path) -> None:
    vocabulary = {word: number for number, (word, _) in enumerate(zip(words(), range(SIZE), strict=False))}
    whole = json.dumps(vocabulary, ensure_ascii=False).encode()
    found = tokenizer_excerpt.vocabulary(whole[:FIRST_BYTES], len(whole))
    assert found is not None and len(found) == len(whole)
    assert json.loads(found).items() < vocabulary.items()
    merges = b"#version: 0.2\n" + b"a b\nc d\n" * 50_000
    found = tokenizer_excerpt.merges(merges[:256], len(merges))
    assert found is not None and len(found) == len(merges)
    assert found.decode().split("\n")[1:-1] == []
    (tmp_path / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate("abcd")}))
    (tmp_path / "merges.txt").write_bytes(found)
    assert tokenizers.models.BPE.from_file(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    assert tokenizer_excerpt.merges(b"a b\nc d\n", 8) is None
    assert tokenizer_excerpt.vocabulary(b"[1, 2", 99) is None
