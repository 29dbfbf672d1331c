"""What there is to say of a word of a rule file, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..facts.vocabulary import Fact, vocabulary
from ..language.functions import FUNCTIONS
from ..rulefile.document import Document
from .places import name_at
from .words import word_at

_SHOWN = 8  # words of a set


def hover(
    text: str, line: int, column: int, document: Document | None, cases: Callable[[], Mapping[str, Sequence[str]]]
) -> str | None:
    """Return what is to be said of the word at a place; None where that is nothing.

    cases: gives the names of the policy's cases by the gate that decides them; asked for a gate alone.
    """
    word = word_at(text, line, column)
    if word is None:
        return None
    name = name_at(text, word)
    facts = vocabulary().facts
    if name in facts:
        return f"`{name}`: {facts[name].type}\n\n{about_fact(facts[name])}"
    if name in FUNCTIONS:
        return f"`{FUNCTIONS[name].signature}`\n\n{FUNCTIONS[name].means}"
    part, _, last = name.partition(".")
    if document is None:
        return None
    if part == "sets":
        found = next((one for one in document.sets if one.name == last), None)
        if found is not None:
            more = f" and {len(found.add) - _SHOWN} more" if len(found.add) > _SHOWN else ""
            words = ", ".join(f"`{word}`" for word in found.add[:_SHOWN])
            return f"the set `{last}`, {found.place}\n\n{words}{more}"
    if part == "limits":
        limit = next((one for one in document.limits if one.name == last), None)
        return f"the limit `{last}`: {limit.value}, {limit.place}" if limit is not None else None
    if part == "derived":
        derivation = next((one for one in document.derive if one.name == last), None)
        if derivation is not None:
            whys = [f"- {branch.why}" for branch in derivation.branches if branch.why]
            return "\n".join([f"the derived fact `{last}`, {derivation.place}", "", *whys])
    if part == "gates":
        gate = next((one for one in document.gates if one.id == last), None)
        if gate is not None:
            about = [f"- {key}: {words}" for key, words in gate.about]
            answer = f"{gate.decide} {gate.error or gate.backend}"
            decided = list(dict.fromkeys(cases().get(last, ())))
            many = f" and {len(decided) - _SHOWN} more" if len(decided) > _SHOWN else ""
            named = [f"- cases: {', '.join(f'`{name}`' for name in decided[:_SHOWN])}{many}"] if decided else []
            return "\n".join([f"the gate `{last}`: {answer}, {gate.place}", "", *about, *named])
    return None


def about_fact(fact: Fact) -> str:
    """Return a fact's unit, sentence and source."""
    unit = f" ({fact.unit})" if fact.unit else ""
    return f"{fact.means}{unit}; from {fact.source}"
