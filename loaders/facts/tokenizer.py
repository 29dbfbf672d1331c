"""The tokenizer's files, and whether tokenizer.json is whole: told from its ends where parsing it would take long."""

from __future__ import annotations

import fnmatch
from codecs import utf_8_decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from .. import bounded_files
from . import documents

Status = Literal["ok", "empty", "missing", "unreadable", "invalid", "not_an_object", "incomplete"]

# 6 ms to parse; real ones of 2 to 35 MB would take 50 ms to a second.
_PARSED_BYTES = 256 << 10
_PIECE_BYTES = 64 << 10
SLOW = (
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "vocab.json",
    "vocab.txt",
    "tekken.json",
    "*.tiktoken",
)


class Tokenizer(NamedTuple):
    """`status` is that of tokenizer.json as of a document, or incomplete: it lacks `model` or `added_tokens`, without
    which no library builds a tokenizer. `slow_files` are others that some tokenizer classes are built from."""

    status: Status = "missing"
    reason: str | None = None
    chat_template: bool = False
    template_reason: str | None = None
    slow_files: tuple[str, ...] = ()


def read(folder: Path, names: Sequence[str]) -> Tokenizer:
    """Reads tokenizer.json once; `names` are the folder's files. Never raises because of what lies there."""
    slow = tuple(name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in SLOW))
    path = folder / "tokenizer.json"
    try:
        # Not mapped into memory: a file that shrinks meanwhile, as downloads do, would kill the process.
        content = bounded_files.read(path, documents.TOKENIZER_BYTES)
    except FileNotFoundError:
        return Tokenizer("missing", "a link that leads nowhere" if path.is_symlink() else None, slow_files=slow)
    except OSError as error:
        return Tokenizer(
            "unreadable", bounded_files.reason(error), template_reason=bounded_files.reason(error), slow_files=slow
        )
    template, template_reason = documents.chat_template_in(content)
    status, reason = _status(content)
    return Tokenizer(status, reason, template, template_reason, slow)


def _status(content: bytes) -> tuple[Status, str | None]:
    # The libraries that write the file put the model last: an object that ends the object. A file that is cut off ends
    # so by the rarest of chances.
    tail = content[-200:].split()
    if len(content) > _PARSED_BYTES and content.lstrip()[:1] == b"{" and b"".join(tail).endswith((b"]}}", b"}}}")):
        if (place := _not_utf8(content)) is not None:
            return "invalid", f"not UTF-8 at byte {place}"
        return _complete(b'"model"' in content, b'"added_tokens"' in content)
    document = documents.parse(content)
    if document.value is None or document.status != "ok":
        return document.status, document.reason
    model = document.value.get("model")
    vocabulary = isinstance(model, dict) and "vocab" in cast("dict[str, Any]", model)
    return _complete(vocabulary, "added_tokens" in document.value)


def _complete(model: bool, added_tokens: bool) -> tuple[Status, str | None]:
    lacking = [name for name, there in (("model", model), ("added_tokens", added_tokens)) if not there]
    return ("incomplete", f"it lacks {' and '.join(lacking)}") if lacking else ("ok", None)


def _not_utf8(content: bytes) -> int | None:
    """Where content is no UTF-8. Looked at in pieces: the whole takes three times as long."""
    view, place = memoryview(content), 0
    while place < len(content):
        end = place + _PIECE_BYTES
        try:
            _, length = utf_8_decode(view[place:end], "strict", end >= len(content))
        except UnicodeDecodeError as error:
            return place + error.start
        place += length
    return None
