"""A fact's representative values: for everything that is asked of it, a value of each kind that the answers make."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any

from ...facts.types import ANYTHING, Type
from ...facts.vocabulary import ABSENT, vocabulary
from ...facts.wording import GIB
from .asked import Asked
from .ordinary_model import FILLER, type_path
from .text_kinds import kinds, parted, spellings
from .uses import ELEMENT, Uses


def values_of(path: str, uses: Uses) -> tuple[list[Any], set[str]]:
    """Return values of the fact at `path`, of every kind that can be told apart, and the doubts about `every`."""
    name, below = type_path(path)
    fact = vocabulary().facts.get(name)
    kind = ANYTHING if below or fact is None else fact.type
    asked, doubts = uses.of(path), set[str]()
    if fact is None and not below:
        doubts.add("it is no fact of its own")
    values: list[Any] = [ABSENT] if below else []
    if kind.values is not None:
        return [*sorted(kind.values), *([None] if kind.nullable else [])], set()
    for one in _KINDS:
        if one in kind.kinds:
            made, why = _of_kind(one, asked, uses, path, kind)
            values.extend(made)
            doubts |= why
    if asked.converted:
        numbers = [value for value in values if type(value) in (int, float)] if "number" in kind.kinds else [1.5]
        values.extend(number for number in (1.5, 8, -1) if "number" in kind.kinds)
        values.extend(str(number) for number in (*numbers, 1.5, 8) if "string" in kind.kinds)
        if asked.patterns:
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
    """Return numbers at, between, below and above the cuts."""
    ordered = sorted(set(cuts))
    found: set[int | float] = {0, 1}
    for cut in ordered:
        found |= {floor(cut), floor(cut) + 1, ceil(cut) - 1}
        if not whole:
            found.add(cut)
    if not whole:
        found |= {_between(one, other) for one, other in itertools.pairwise(ordered)}
    if ordered:
        found |= {floor(ordered[0]) - 1, ceil(ordered[-1]) + 1, 2 * ceil(abs(ordered[-1])) + 1}
    return sorted(number for number in found if least is None or number >= least)


def _between(one: float, other: float) -> int | float:
    middle = (Fraction(one) + Fraction(other)) / 2
    try:
        return float(middle)
    except OverflowError:
        return floor(middle)


def ratio_pairs(pair: tuple[str, str], uses: Uses) -> tuple[list[tuple[Any, Any]], set[str]]:
    """Return values of two sizes of whose ratio something is asked, of every kind that can be told apart."""
    ratios = sorted(Fraction(str(cut)) for cut in uses.ratios[pair])
    first, second = (uses.of(path) for path in pair)
    wholes = numbers_of(second.numbers, True, 0) if second.numbers else [0]
    parts = numbers_of(first.numbers, True, 0) if first.numbers else []
    between = [(one + other) / 2 for one, other in itertools.pairwise(ratios)]
    shares = [*ratios, *between, *([ratios[0] / 2, ratios[-1] * 2] if ratios else [Fraction(1)]), Fraction(0)]
    # Of the last total every share is a whole number of bytes: there a limit is met exactly.
    even = lcm(*(share.denominator for share in shares))
    totals = {100 * GIB, even * ceil(100 * GIB / even), *wholes}
    totals |= {round(part / share) for part in parts for share in shares if share}
    pairs: list[tuple[Any, Any]] = []
    for total in sorted(totals, key=lambda t: (t != 100 * GIB, t)):
        sizes = {*parts, *(int(share * total) + step for share in shares for step in (0, -1, 1))}
        pairs.extend((size, total) for size in sorted(sizes) if size >= 0)
    for size in (0, GIB, *parts, None):
        pairs.extend((size, total) for total in (None, 0))
    pairs.extend((None, total) for total in [*wholes, 100 * GIB])
    limits = (first.numbers | second.numbers) - {0}
    return pairs, {"a ratio beside limits of its own"} if limits else set()


# Of values that are answered alike the first stands for all.
_KINDS = ("null", "string", "boolean", "number", "array", "object")


def _of_kind(one: str, asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    """Return the values that a fact of type `kind` has of one kind, and the doubts."""
    if one == "string":
        texts, doubts = texts_of(asked)
        return [*texts, *_versions(asked)], doubts
    if one == "number":
        return _numbers(asked, path), set()
    if one == "array":
        return _lists(asked, uses, path, kind)
    return {"null": [None], "boolean": [False, True], "object": [{FILLER: 1}, {}]}[one], set()


def _versions(asked: Asked) -> list[str]:
    """Return versions: each that is asked for, and another way to write it, which is none of the texts asked for."""
    found = [*asked.versions, *(["0"] if asked.versions else [])]
    for version in asked.versions:
        spelt = [f"{version}{'.0' * zeros}" for zeros in range(1, len(asked.texts) + 2)]
        found.append(next(text for text in spelt if text not in asked.texts))
    return found


def _numbers(asked: Asked, path: str) -> list[int | float]:
    name, below = type_path(path)
    fact = vocabulary().facts.get(name)
    counted = fact is not None and not below and fact.unit == "bytes"  # else a fact may be 1.5, or less than 0
    return numbers_of(asked.numbers, counted, 0 if counted else None)


def _lists(asked: Asked, uses: Uses, path: str, kind: Type) -> tuple[list[Any], set[str]]:
    lists: list[Any] = [[]]
    doubts: set[str] = set()
    for version in _versions(asked):
        numbers = [int(part) for part in version.split(".") if part.isdecimal() and len(part) < 10]
        lists.append([*numbers, *[0] * (3 - len(numbers))])
    if kind.item is not None and "number" in kind.item.kinds:
        others = any(isinstance(other, list) for other in asked.others)
        return [*lists, [1]], {"a list beside versions"} if others and asked.versions else doubts
    elements = uses.asked.get(f"{path}{ELEMENT}")
    if elements is None:
        return [*lists, ["x"]], doubts
    texts, doubts = texts_of(elements)
    if asked.versions or any(isinstance(other, list) for other in asked.others):
        doubts = doubts | {"a list as a whole, and its elements"}
    lists.extend([text] for text in texts)
    lists.append([1])
    return lists, doubts
