"""Which words fit at a place of a rule file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..facts.vocabulary import vocabulary
from ..language.functions import FUNCTIONS
from ..rulefile.document import BACKENDS, DECISIONS, Document
from .hover import about_fact
from .words import in_expression, line_before, typed

_VALUES = {"decide": DECISIONS, "backend": BACKENDS, "mode": ("enforce", "observe")}


class Offer(NamedTuple):
    """A word that fits, and a sentence about it. kind: fact, function, set, limit, derived, gate or value."""

    word: str
    kind: str
    detail: str
    about: str = ""


def completion(text: str, line: int, column: int, document: Document | None) -> list[Offer]:
    """Return the words that fit at a place, which lines and columns from 0 tell."""
    begun = typed(text, line, column).text
    key = re.match(r"^\s*(?:- )?\{?\s*([\w]+):\s*\S*$", line_before(text, line, column))
    if key and key[1] in _VALUES:
        return [Offer(word, "value", key[1]) for word in _VALUES[key[1]]]
    if key and key[1] in ("before", "after"):
        gates = document.gates if document is not None else ()
        return [Offer(gate.id, "gate", f"decides {gate.decide}", str(gate.place)) for gate in gates]
    if not in_expression(text, line, column):
        return []
    return [offer for offer in _words(document) if offer.word.startswith(begun)]


def _words(document: Document | None) -> Iterator[Offer]:
    for name, fact in vocabulary().facts.items():
        yield Offer(name, "fact", str(fact.type), about_fact(fact))
    if document is not None:
        for part in document.sets:
            yield Offer(f"sets.{part.name}", "set", f"{len(part.add)} words", str(part.place))
        for limit in document.limits:
            yield Offer(f"limits.{limit.name}", "limit", str(limit.value), str(limit.place))
        for derivation in document.derive:
            yield Offer(f"derived.{derivation.name}", "derived", "derived fact", str(derivation.place))
    for function in FUNCTIONS.values():
        yield Offer(function.name, "function", function.signature, function.means)
