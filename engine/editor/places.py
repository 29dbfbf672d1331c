"""Where a name of a rule file is said, and where it is used, across all files that the policy is put together from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..rulefile.document import Derivation, Document, Gate, Limit, Place, StringSet
from ..rulefile.source import Source
from .words import Word

_GATE = re.compile(r"^\s*(?:- )?\{?\s*(?:id|before|after):\s*")
_SECTIONS = {"sets": "sets", "limits": "limits", "derive": "derived"}


def name_at(text: str, word: Word) -> str:
    """Return what a word names: a dotted path, `gates.ID`, or as `sets.NAME` the name that a part gives itself."""
    lines = text.split("\n")
    line = lines[word.line]
    if _GATE.match(line[: word.start]):
        return f"gates.{word.text}"
    if re.match(r"^ {1,4}$", line[: word.start]) and line[word.start + len(word.text) :].startswith(":"):
        section = next((above.partition(":")[0] for above in lines[word.line :: -1] if above[:1].isalpha()), "")
        if section in _SECTIONS:
            return f"{_SECTIONS[section]}.{word.text}"
    return word.text


def named(name: str, document: Document) -> StringSet | Limit | Derivation | Gate | None:
    """Return the set, limit, derived fact or gate that has a name."""
    part, _, last = name.partition(".")
    if part == "gates":
        return next((gate for gate in document.all_gates if gate.id == last), None)
    parts = {"sets": document.sets, "limits": document.limits, "derived": document.derive}.get(part, ())
    return next((one for one in parts if one.name == last), None)


def definition(name: str, document: Document) -> Place | None:
    """Return where a set, limit, derived fact or gate is said."""
    found = named(name, document)
    return None if found is None else found.place


def references(name: str, document: Document) -> Iterator[Place]:
    """Yield every place at which a name stands, in all files that the policy is put together from."""
    part, _, last = name.partition(".")
    if part == "gates":
        pattern = re.compile(rf"(?m)^\s*(?:- )?\{{?\s*(?:id|before|after):\s*(?P<word>{re.escape(last)})(?![\w-])")
    else:
        pattern = re.compile(rf"(?<![\w.])(?P<word>{re.escape(name)})(?![\w-])")
    for source in sources(document):
        for found in pattern.finditer(source.text):
            yield Place(source, found.start("word"), found.end("word"))


def sources(document: Document) -> list[Source]:
    """Return the files that a policy is put together from, its own first."""
    found: list[Source] = []
    layer: Document | None = document
    while layer is not None:
        if layer.place.source not in found:
            found.append(layer.place.source)
        layer = layer.base
    return found
