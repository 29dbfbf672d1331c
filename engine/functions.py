"""The functions of the expression language: JMESPath's own with their types, and the few that rules need beyond them.

Every function of ours takes null where a fact may be null, so that a rule stays short, and never raises on a value of
the type it declares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from jmespath import exceptions, functions

from .types import ANYTHING, ARRAY, BOOLEAN, NUMBER, NUMBERS, OBJECT, STRING, STRINGS, Type, kind_of

GIB = 1024**3
_BOOL, _TEXT, _LIST = BOOLEAN, STRING.or_null(), ARRAY


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name, the types it takes and gives, one sentence, and, where it is ours, what runs."""

    name: str
    takes: tuple[Type, ...]
    gives: Type
    means: str
    variadic: bool = False
    run: Callable[..., Any] | None = None

    @property
    def signature(self) -> str:
        more = ", ..." if self.variadic else ""
        return f"{self.name}({', '.join(map(str, self.takes))}{more}) -> {self.gives}"


class WrongArgument(exceptions.JMESPathError):
    """A function of ours was called with a value of a type that it does not take."""


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _has_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _has_key(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _truthy(value: Any) -> bool:
    return bool(value)


def _has_any(text: str | None, parts: Iterable[Any]) -> bool:
    return text is not None and any(isinstance(part, str) and part in text for part in parts)


def _shares(values: Any, members: list[Any]) -> bool:
    return isinstance(values, list) and any(isinstance(v, str) and v in members for v in cast("list[Any]", values))


def _any_ends_with(values: Any, endings: list[str]) -> bool:
    return isinstance(values, list) and any(
        isinstance(value, str) and value.endswith(tuple(endings)) for value in cast("list[Any]", values)
    )


def _true_keys(value: dict[str, Any]) -> list[str]:
    return [key for key, flag in value.items() if flag is True]


def _glob(files: Iterable[Any], pattern: str) -> list[str]:
    parts = pattern.split("/")
    return [file for file in files if isinstance(file, str) and _path_matches(file.split("/"), parts)]


def _path_matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    if "**" not in pattern:
        return len(path) == len(pattern) and all(map(fnmatchcase, path, pattern))
    # Which parts of the pattern may come next, after each part of the path: never more work than path x pattern.
    reached = _beyond({0}, pattern)
    for part in path:
        stepped = {step if pattern[step] == "**" else step + 1 for step in reached if _takes(pattern, step, part)}
        reached = _beyond(stepped, pattern)
    return len(pattern) in reached


def _takes(pattern: Sequence[str], step: int, part: str) -> bool:
    return step < len(pattern) and (pattern[step] == "**" or fnmatchcase(part, pattern[step]))


def _beyond(steps: set[int], pattern: Sequence[str]) -> set[int]:
    # ** stands for nothing, too.
    for step in sorted(steps):
        while step < len(pattern) and pattern[step] == "**":
            step += 1
            steps.add(step)
    return steps


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def size_text(size: float | None) -> str:
    """Return bytes in the unit that fits, of 1024 each, as memory is sold: `1.5 GB`."""
    if size is None:
        return "an unknown amount"
    for unit, factor in (("TB", GIB * 1024), ("GB", GIB), ("MB", 1024**2), ("KB", 1024)):
        if abs(size) >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:g} bytes"


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.0%}"


def _at_least(version: Any, minimum: str) -> bool:
    found, wanted = _version_text(version), _version_text(minimum)
    try:
        # The usual case, without packaging's import.
        one, other = ([int(number) for number in text.split(".")] for text in (found, wanted))
    except ValueError:
        from packaging.version import InvalidVersion, Version

        try:
            return Version(found) >= Version(wanted)
        except (InvalidVersion, ValueError):
            return False
    length = max(len(one), len(other))
    return one + [0] * (length - len(one)) >= other + [0] * (length - len(other))


def _version_text(version: Any) -> str:
    if isinstance(version, list):
        version = ".".join(map(str, cast("list[Any]", version)))
    return version if isinstance(version, str) and len(version) <= 100 else ""


OURS = (
    Function("lower", (_TEXT,), _TEXT, "the text in lower case; null of null", run=_lower),
    Function("text", (ANYTHING,), STRING, "the value if it is a string, else the empty string", run=_text),
    Function("has_text", (ANYTHING,), _BOOL, "whether the value is a string with a visible character", run=_has_text),
    Function("has_key", (ANYTHING, STRING), _BOOL, "whether the value is an object with that key", run=_has_key),
    Function(
        "truthy",
        (ANYTHING,),
        _BOOL,
        "whether the value is none of null, false, 0, and an empty string, list or object",
        run=_truthy,
    ),
    Function("has_any", (_TEXT, STRINGS), _BOOL, "whether the text contains any of the strings", run=_has_any),
    Function("shares", (ANYTHING, STRINGS), _BOOL, "whether the list holds any of the strings", run=_shares),
    Function(
        "any_ends_with",
        (ANYTHING, STRINGS),
        _BOOL,
        "whether the list holds a text with one of the endings",
        run=_any_ends_with,
    ),
    Function("true_keys", (OBJECT,), STRINGS, "the keys whose value is true, in order", run=_true_keys),
    Function(
        "glob",
        (STRINGS, STRING),
        STRINGS,
        "the paths that match the pattern: * ? [0-9] within a part, ** for any depth",
        run=_glob,
    ),
    Function(
        "ratio",
        (NUMBER.or_null(), NUMBER.or_null()),
        NUMBER.or_null(),
        "the first number over the second; null when either is null or the second is 0",
        run=_ratio,
    ),
    Function("size", (NUMBER.or_null(),), STRING, "bytes as KB, MB, GB, TB of 1024 each, as text", run=size_text),
    Function("product", (NUMBERS,), NUMBER, "the product of a list of numbers", run=math.prod),
    Function("percent", (NUMBER.or_null(),), STRING, "a share of 1 as a whole percentage", run=_percent),
    Function(
        "at_least",
        (ANYTHING, STRING),
        _BOOL,
        "whether a version (text, or a list of numbers) is that version or later; false for null",
        run=_at_least,
    ),
)

_COLLECTION = Type(frozenset({"string", "array", "object"}))
_ORDERABLE = ARRAY
THEIRS = (
    Function("abs", (NUMBER,), NUMBER, "the absolute value"),
    Function("avg", (NUMBERS,), NUMBER.or_null(), "the mean of a list of numbers"),
    Function(
        "contains",
        (Type(frozenset({"array", "string"})), ANYTHING),
        _BOOL,
        "whether the list holds the value, or the string the part",
    ),
    Function("ceil", (NUMBER,), NUMBER, "the next whole number above"),
    Function("ends_with", (STRING, STRING), _BOOL, "whether the string ends with the other"),
    Function("floor", (NUMBER,), NUMBER, "the next whole number below"),
    Function("join", (STRING, STRINGS), STRING, "the strings with the first between them"),
    Function("keys", (OBJECT,), STRINGS, "an object's keys"),
    Function("length", (_COLLECTION,), NUMBER, "how many characters, elements or keys"),
    Function("map", (ANYTHING, _LIST), _LIST, "an expression over a list"),
    Function("max", (_ORDERABLE,), ANYTHING, "the greatest"),
    Function("max_by", (_LIST, ANYTHING), ANYTHING, "the element with the greatest value of an expression"),
    Function("merge", (OBJECT,), OBJECT, "objects put together", variadic=True),
    Function("min", (_ORDERABLE,), ANYTHING, "the least"),
    Function("min_by", (_LIST, ANYTHING), ANYTHING, "the element with the least value of an expression"),
    Function("not_null", (ANYTHING,), ANYTHING, "the first that is not null", variadic=True),
    Function("reverse", (Type(frozenset({"array", "string"})),), ANYTHING, "the other way round"),
    Function("sort", (_ORDERABLE,), _LIST, "in order"),
    Function("sort_by", (_LIST, ANYTHING), _LIST, "in order of an expression"),
    Function("starts_with", (STRING, STRING), _BOOL, "whether the string starts with the other"),
    Function("sum", (NUMBERS,), NUMBER, "the sum of a list of numbers"),
    Function("to_array", (ANYTHING,), _LIST, "the value as a list"),
    Function("to_number", (ANYTHING,), NUMBER.or_null(), "the value as a number, or null"),
    Function("to_string", (ANYTHING,), STRING, "the value as a string, JSON where it is none"),
    Function("type", (ANYTHING,), STRING, "the kind of the value: string, number, boolean, array, object, null"),
    Function("values", (OBJECT,), _LIST, "an object's values"),
)
FUNCTIONS = {function.name: function for function in (*THEIRS, *OURS)}


class RuleFunctions(functions.Functions):
    """jmespath's function table with ours beside it, for its interpreter."""

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        resolved_args = list(resolved_args)
        function = FUNCTIONS.get(function_name)
        if function is None or function.run is None:
            value = super().call_function(function_name, resolved_args)
            # to_number('nan') is null, as JMESPath says: Python's reading of numbers is wider than JSON's.
            return None if isinstance(value, float) and value - value != 0 else value
        if len(resolved_args) != len(function.takes):
            raise exceptions.ArityError(len(function.takes), len(resolved_args), function_name)
        for value, wanted in zip(resolved_args, function.takes, strict=True):
            if kind_of(value) not in wanted.kinds:
                raise WrongArgument(f"{function_name}() takes {wanted}, not {kind_of(value)}")
        return function.run(*resolved_args)
