"""Whether two models have one vocabulary: the same tokens by the same numbers, as their tokenizers' files say."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import Any, cast

from .. import bounded_files
from . import documents, plain_json
from .tokenizer import SLOW

_SHOWN = 30


def difference(folder: str, other: str) -> str | None:
    """Return in what the vocabulary of `folder` is not that of `other`, as a phrase; None where they are the same.

    Where it cannot be told that is said. Never raises because of what lies there; 64 MB a file are read at most.
    """
    try:
        one, another = _bytes(folder, "tokenizer.json"), _bytes(other, "tokenizer.json")
        if one is None and another is None:
            return _of_slow_files(folder, other)
        if one is None or another is None:
            return "only one of the two has a tokenizer.json"
        return None if one == another else _between(_tokens(one), _tokens(another))
    except (OSError, ValueError) as error:
        reason = bounded_files.reason(error) if isinstance(error, OSError) else str(error)
        return f"a tokenizer cannot be read: {plain_json.shown(reason)}"


def _between(one: dict[int, str], other: dict[int, str]) -> str | None:
    # In one pass and by the lowest number: dicts of 150,000 tokens each.
    unlike = [number for number in one.keys() | other.keys() if one.get(number) != other.get(number)]
    if not unlike:
        return None
    first = min(unlike)
    return f"token {first} is {_word(one.get(first))} there and {_word(other.get(first))} here"


def _word(token: str | None) -> str:
    return "none" if token is None else f"`{plain_json.shown(token[:_SHOWN])}`"


def _tokens(content: bytes) -> dict[int, str]:
    """Return the tokens of a tokenizer.json by their numbers. Raises ValueError."""
    document = documents.parse(content)
    top = cast("dict[str, Any]", document.value or {})
    model = top.get("model")
    words: Any = cast("dict[str, Any]", model).get("vocab") if isinstance(model, dict) else None
    found: dict[Any, Any] = {}
    if isinstance(words, dict):
        found = {number: word for word, number in words.items() if type(number) is int}
    elif isinstance(words, list):  # of Unigram: pairs of a token and its score
        found = {place: pair[0] for place, pair in enumerate(words) if isinstance(pair, list) and pair}
    if not found or not all(isinstance(word, str) for word in found.values()):
        raise ValueError(document.reason or "tokenizer.json holds no vocabulary")
    added = top.get("added_tokens")
    for token in added if isinstance(added, list) else ():
        if isinstance(token, dict) and type(token.get("id")) is int and isinstance(token.get("content"), str):
            found[token["id"]] = token["content"]
    return found


def _of_slow_files(folder: str, other: str) -> str | None:
    names, others = _slow(folder), _slow(other)
    if not names or names != others:
        return "their tokenizers are of different files"
    wrong = [name for name in names if _bytes(folder, name) != _bytes(other, name)]
    return f"their {plain_json.shown(wrong[0])} differ" if wrong else None


def _slow(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if any(fnmatch.fnmatchcase(name, one) for one in SLOW))


def _bytes(folder: str, name: str) -> bytes | None:
    try:
        return bounded_files.read(Path(folder) / name, documents.TOKENIZER_BYTES)
    except FileNotFoundError:
        return None
