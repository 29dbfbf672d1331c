"""What there is to say of a word of a rule file, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..facts.vocabulary import Fact, vocabulary
from ..language.functions import FUNCTIONS
from ..rulefile.document import Derivation, Document, Limit, StringSet
from .places import name_at, named
from .words import word_at

_SHOWN = 8  # words of a set, names of cases


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
    found = named(name, document) if document is not None else None
    if isinstance(found, StringSet):
        return f"the set `{found.name}`, {found.place}\n\n{_some(found.add)}"
    if isinstance(found, Limit):
        return f"the limit `{found.name}`: {found.value}, {found.place}"
    if isinstance(found, Derivation):
        whys = [f"- {branch.why}" for branch in found.branches if branch.why]
        return "\n".join([f"the derived fact `{found.name}`, {found.place}", "", *whys])
    if found is None or found.observe:
        return None
    about = [f"- {key}: {words}" for key, words in found.about]
    decided = list(dict.fromkeys(cases().get(found.id, ())))
    named_cases = [f"- cases: {_some(decided)}"] if decided else []
    answer = f"{found.decide} {found.error or found.backend}"
    return "\n".join([f"the gate `{found.id}`: {answer}, {found.place}", "", *about, *named_cases])


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{', '.join(f'`{word}`' for word in words[:_SHOWN])}{more}"


def about_fact(fact: Fact) -> str:
    """Return a fact's unit, sentence and source."""
    unit = f" ({fact.unit})" if fact.unit else ""
    return f"{fact.means}{unit}; from {fact.source}"
