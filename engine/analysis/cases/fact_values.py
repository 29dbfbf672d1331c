"""A fact's representative values: for everything that is asked of it, a value of each kind that the answers make."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor
from typing import Any

from ...facts.types import ANYTHING, KINDS, Type
from ...facts.vocabulary import ABSENT, vocabulary
from .ordinary_model import FILLER, GIB, type_path
from .text_kinds import kinds, parted, spellings
from .uses import ELEMENT, Asked, Uses


def values_of(path: str, uses: Uses) -> tuple[list[Any], set[str]]:
    """Return values of the fact at `path`, of every kind that can be told apart, and the doubts about `every`."""
    name, below = type_path(path)
    fact = vocabulary().facts.get(name)
    kind = ANYTHING if below or fact is None else fact.type
    asked = uses.of(path)
    doubts = set(asked.doubts)
    if fact is None and not below:
        doubts.add("it is no fact of its own")
    values: list[Any] = [ABSENT] if below else []
    if kind.values is not None:
        return [*sorted(kind.values), *([None] if kind.nullable else [])], set()
    for one, make in _MAKERS.items():
        if one in kind.kinds:
            made, complete = make(asked, uses, path, kind)
            values.extend(made)
            doubts |= complete
    if asked.converted:
        numbers = [value for value in values if type(value) in (int, float)] if "number" in kind.kinds else [1.5]
        values.extend(number for number in (1.5, 8, -1) if "number" in kind.kinds)
        values.extend(str(number) for number in (*numbers, 1.5, 8) if "string" in kind.kinds)
        if asked.questions or "to_string" in asked.converted:
            doubts.add("numbers as text")
    values.extend(asked.others)
    return values, doubts


def texts_of(asked: Asked, prefer: Iterable[str] = ()) -> tuple[list[str], set[str]]:
    """Return texts of every kind that is asked for."""
    constants = frozenset(asked.texts | asked.lowered)
    variants = [other for word in sorted(asked.lowered) for other in spellings(word, asked.questions, asked.texts)]
    found = parted(asked.groups, constants) if asked.groups else kinds(asked.questions, constants)
    doubts = set[str]() if found.complete else {"too many patterns together"}
    return list(dict.fromkeys([*prefer, *sorted(constants), *variants, *found.texts])), doubts


def numbers_of(cuts: Iterable[float], whole: bool, least: float | None) -> list[int | float]:
    """Return the numbers at, between, below and above the cuts."""
    ordered = sorted(set(cuts))
    found: set[int | float] = {0, 1}
    for cut in ordered:
        found |= {floor(cut), floor(cut) + 1, ceil(cut) - 1}
        if not whole:
            found.add(cut)
    if not whole:
        found |= {(one + other) / 2 for one, other in itertools.pairwise(ordered)}
    if ordered:
        found |= {floor(ordered[0]) - 1, ceil(ordered[-1]) + 1, 2 * ceil(abs(ordered[-1])) + 1}
    return sorted(number for number in found if least is None or number >= least)


def ratio_pairs(pair: tuple[str, str], uses: Uses) -> tuple[list[tuple[Any, Any]], set[str]]:
    """Return values of two facts of whose ratio something is asked, of every kind that can be told apart."""
    ratios = sorted(Fraction(str(cut)) for cut in uses.ratios[pair])
    first, second = (uses.of(path) for path in pair)
    wholes = numbers_of(second.numbers, True, 0) if second.numbers else [0]
    parts = numbers_of(first.numbers, True, 0) if first.numbers else []
    between = [(one + other) / 2 for one, other in itertools.pairwise(ratios)]
    shares = [*ratios, *between, *([ratios[0] / 2, ratios[-1] * 2] if ratios else [Fraction(1)]), Fraction(0)]
    totals = {100 * GIB, *wholes, *(round(part / share) for part in parts for share in shares if share)}
    pairs: list[tuple[Any, Any]] = []
    for total in sorted(totals, key=lambda t: (t != 100 * GIB, t)):
        whole = {int(share * total) for share in shares}
        sizes = (
            {*whole, *parts, *(size + step for size in whole for step in (-1, 1))} if parts or second.numbers else whole
        )
        pairs.extend((size, total) for size in sorted(sizes) if size >= 0)
    pairs.extend((size, None) for size in [GIB, *parts])
    pairs.extend((None, total) for total in [*wholes, None])
    doubts = {"a ratio beside limits of its own"} if first.numbers or second.numbers else set[str]()
    return pairs, doubts | first.doubts | second.doubts


def _strings(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    texts, doubts = texts_of(asked)
    return [*texts, *asked.versions, *(["0"] if asked.versions else [])], doubts


def _numbers(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    name, below = type_path(path)
    fact = vocabulary().facts.get(name)
    counted = fact is not None and not below and bool(fact.unit)
    return list(numbers_of(asked.numbers, kind.kinds != KINDS, 0 if counted else None)), set()


def _lists(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    lists: list[Any] = [[]]
    doubts: set[str] = set()
    for version in [*asked.versions, *(["0"] if asked.versions else [])]:
        numbers = [int(part) for part in version.split(".") if part.isdigit()]
        lists.append([*numbers, 0, 0][:3])
    if kind.item is not None and "number" in kind.item.kinds:
        return [*lists, [1]], doubts
    elements = uses.asked.get(f"{path}{ELEMENT}")
    if elements is None:
        return [*lists, ["x"]], doubts
    texts, doubts = texts_of(elements)
    doubts = doubts | elements.doubts
    words = [text for text in texts if text]
    lists.extend([word] for word in words)
    lists.append([1])
    return lists, doubts


def _nothing(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    return [None], set()


def _flags(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    return [False, True], set()


def _objects(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    return [{FILLER: 1}, {}], set()


_MAKERS = {
    "null": _nothing,
    "string": _strings,
    "boolean": _flags,
    "number": _numbers,
    "array": _lists,
    "object": _objects,
}
