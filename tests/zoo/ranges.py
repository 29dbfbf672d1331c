"""Many names in one: `model.layers.{0-31}.mlp.gate` is 32 names, `{0-2,5}` the numbers 0, 1, 2 and 5.

In a model file the keys of a mapping and the words of a list may be such names. A `{7}` is no range.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_RANGE = re.compile(r"\{(\d+[,-][\d,-]*)\}")
_LAST_NUMBER = re.compile(r"(.*?)(0|[1-9]\d*)(\D*)", re.DOTALL)
# Shorter lists and mappings are as easily read whole.
_MANY = 16


def spread(name: str) -> list[str]:
    """The names that one stands for; several ranges are all combinations."""
    if "{" not in name:
        return [name]
    first, *others = _RANGE.split(name)
    names = [first]
    for text, word in zip(others[::2], others[1::2], strict=True):
        ends = [f"{number}{word}" for number in _numbers(text)]
        names = [start + end for start in names for end in ends]
    return names


def _numbers(text: str) -> Iterable[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def whole(value: Any) -> Any:
    """The value with every range spread."""
    if isinstance(value, dict):
        return {name: whole(item) for key, item in value.items() for name in spread(str(key))}
    if isinstance(value, list):
        return [part for item in value for part in (spread(item) if isinstance(item, str) else [whole(item)])]
    return value


def short(value: Any) -> Any:
    """The other way: long mappings and lists of names as ranges, where `whole` gives the same back."""
    if isinstance(value, Mapping):
        inner = {key: short(item) for key, item in value.items()}
        return _if_same(value, _mapping(inner)) if len(inner) >= _MANY else inner
    if isinstance(value, (list, tuple)):
        strings = len(value) >= _MANY and all(isinstance(item, str) for item in value)
        return _if_same(value, runs(value)) if strings else [short(item) for item in value]
    return value


def _if_same(value: Any, made: Any) -> Any:
    return made if whole(made) == value else value


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    texts = {key: json.dumps(item, sort_keys=True) for key, item in value.items()}
    firsts = {text: value[key] for key, text in reversed(texts.items())}
    return {key: firsts[text] for key, text in compact(texts).items()}


def runs(names: Iterable[str]) -> list[str]:
    """<unused0>, <unused1> and so on as `<unused{0-99}>`; the order stays."""
    made: list[list[Any]] = []
    for name in names:
        before, number, after = found.groups() if (found := _LAST_NUMBER.fullmatch(name)) else (name, 0, None)
        if made and after is not None and made[-1][0] == [before, after] and made[-1][2] == int(number) - 1:
            made[-1][2] += 1
        else:
            made.append([[before, after], int(number), int(number)])
    return [before if after is None else before + spans(range(a, b + 1)) + after for (before, after), a, b in made]


def compact(items: Mapping[str, Any]) -> dict[str, Any]:
    """Items whose keys differ in numbers between dots alone, and whose values are the same, in one."""
    groups: dict[tuple[tuple[str, ...], Any], list[tuple[int, ...]]] = {}
    for name, value in items.items():
        parts = name.split(".")
        numbers = tuple(int(part) for part in parts if part.isdecimal())
        groups.setdefault((tuple("" if part.isdecimal() else part for part in parts), value), []).append(numbers)
    made: dict[str, Any] = {}
    for (parts, value), every in groups.items():
        for box in boxes(every):
            numbers = iter(map(spans, box))
            made[".".join(part or next(numbers, "") for part in parts)] = value
    return made


def spans(numbers: Iterable[int]) -> str:
    """`{0-2,5}` of four numbers; one is itself."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    text = ",".join(f"{first}-{last}" if first != last else f"{first}" for first, last in found)
    return text if text.isdecimal() else f"{{{text}}}"


def boxes(every: Sequence[tuple[int, ...]]) -> list[list[set[int]]]:
    """Sets of numbers whose combinations are together these and no others."""
    if not every[0]:
        return [[]]
    rests: dict[int, list[tuple[int, ...]]] = {}
    for first, *rest in every:
        rests.setdefault(first, []).append(tuple(rest))
    same: dict[tuple[tuple[int, ...], ...], set[int]] = {}
    for first, rest in rests.items():
        same.setdefault(tuple(sorted(rest)), set()).add(first)
    return [[firsts, *box] for rest, firsts in same.items() for box in boxes(rest)]
