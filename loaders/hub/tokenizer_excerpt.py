"""Large files of a tokenizer from their ends: whole but for most of the vocabulary, as long as they are, and valid.

In tokenizer.json the vocabulary comes last and is most of the 2 to 35 MB. What a dry run asks is told by the rest: the
classes, the added tokens with their numbers, how text is split and put together again. vocab.json and merges.txt beside
it say the same once more.
"""

from __future__ import annotations

import json
from codecs import utf_8_decode
from typing import Any

# The first look, and how far it may grow for a file whose added tokens are many.
FIRST_BYTES = 128 << 10
MOST_BYTES = 2 << 20
TAIL_BYTES = 4 << 10
_ENOUGH = 512  # entries of a vocabulary: the bytes, and what else stands first


class TooShort(Exception):
    """The vocabulary begins behind what is there of the file, or hardly so."""


def excerpt(head: bytes, tail: bytes, size: int) -> bytes | None:
    """The file of `size` bytes that begins with `head` and ends with `tail`, without most of its vocabulary.

    None where it is not written as the libraries write it, so that the whole must be read. Raises TooShort where a
    longer head is needed.
    """
    end = next((end for end in ("]}}", "}}}") if "".join(_text(tail).split()).endswith(end)), None)
    if end is None or b'"chat_template"' in head or b'"chat_template"' in tail:
        return None
    try:
        text = utf_8_decode(head, "strict", False)[0]
        kept, kind, known, added = _read(text)
    except (ValueError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return None
    unknown = kind.get("unk_token")
    known |= {token["content"]: token["id"] for token in added}
    if (unknown is not None and unknown not in known) or kind.get("type") == "Unigram":
        return None
    closing = '"merges":[' if end == "]}}" else ""
    entries = json.dumps(known, ensure_ascii=False)
    begin = f"{kept}{entries[:-1]}{'},' if closing else ''}{closing}".encode()
    spaces = size - len(begin) - len(end)
    return begin + b" " * spaces + end.encode() if spaces >= 0 else None


def vocabulary(head: bytes, size: int) -> bytes | None:
    """The same of a vocab.json, which is one object of tokens with their numbers. Raises TooShort."""
    try:
        text = utf_8_decode(head, "strict", False)[0]
        entries = json.dumps(_entries(text, _expect(text, 0, "{")), ensure_ascii=False)[:-1].encode()
    except (ValueError, UnicodeDecodeError, RecursionError, TypeError):
        return None
    spaces = size - len(entries) - 1
    return entries + b" " * spaces + b"}" if spaces >= 0 else None


def merges(head: bytes, size: int) -> bytes | None:
    """The same of a merges.txt: without merges, and its first line, which nobody reads, as long as the file."""
    line, newline, _ = head.partition(b"\n")
    return line.ljust(size - 1) + b"\n" if newline and line.startswith(b"#version") else None


def _text(tail: bytes) -> str:
    return tail[-200:].decode("utf-8", "replace")


def _read(text: str) -> tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """The text before the vocabulary, the model's other keys, the vocabulary's first entries, the added tokens."""
    top: dict[str, Any] = {}
    at = _keys(text, _expect(text, 0, "{"), top, "model")
    kind: dict[str, Any] = {}
    at = _keys(text, _expect(text, at, "{"), kind, "vocab")
    begin = _skip(text, at)
    if text[begin : begin + 1] != "{":
        raise ValueError("a vocabulary of another form")
    entries = _entries(text, begin + 1)
    return text[:begin], kind, entries, top["added_tokens"]


def _entries(text: str, at: int) -> dict[str, Any]:
    """The first entries of a vocabulary, whose end is not there."""
    found: dict[str, Any] = {}
    while True:
        try:
            key, at = _value(text, at)
            number, at = _value(text, _expect(text, at, ":"))
            if text[_skip(text, at)] == "}":
                raise ValueError("a vocabulary that ends")
            at = _expect(text, at, ",")
        except (TooShort, IndexError):
            break
        found[key] = number
    if len(found) < _ENOUGH:
        raise TooShort
    return found


def _keys(text: str, at: int, found: dict[str, Any], last: str) -> int:
    """Reads keys and values of an object into `found`, to where the value of the key `last` begins."""
    while True:
        key, at = _value(text, at)
        at = _expect(text, at, ":")
        if key == last:
            return at
        found[key], at = _value(text, at)
        at = _expect(text, at, ",")


def _value(text: str, at: int) -> tuple[Any, int]:
    begin = _skip(text, at)
    try:
        found, end = json.JSONDecoder().raw_decode(text, begin)
    except json.JSONDecodeError as error:
        # What is cut off fails at its very end, or in the string that is open there.
        if error.pos >= len(text) - 16 or error.msg.startswith("Unterminated"):
            raise TooShort from None
        raise
    if end >= len(text):
        raise TooShort  # a number may go on
    return found, end


def _expect(text: str, at: int, wanted: str) -> int:
    at = _skip(text, at)
    if at >= len(text):
        raise TooShort
    if text[at] != wanted:
        raise ValueError(f"{wanted} expected")
    return at + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
