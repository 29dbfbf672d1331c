"""The functions of the expression language, as generated code runs them.

Of ours, every one takes null where a fact may be null, so that a rule stays short, and never raises on a value of the
type it declares. Of JMESPath's own, those that rules use most stand here too, on values whose types are known to fit;
where they do not fit, jmespath's own function is called, and raises its own error.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from ..facts.wording import size_text
from .memory_code import cache_bytes, machine_sums, prompt_bytes
from .operators import NUMBERS

if TYPE_CHECKING:
    from typing import Any

# --- ours


def lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def has_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def has_key(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in value


def truthy(value: Any) -> bool:
    return bool(value)


def has_any(text: str | None, parts: Iterable[Any]) -> bool:
    return text is not None and any(isinstance(part, str) and part in text for part in parts)


def shares(values: Any, members: list[Any]) -> bool:
    return isinstance(values, list) and any(isinstance(v, str) and v in members for v in values)


def any_ends_with(values: Any, endings: list[str]) -> bool:
    return isinstance(values, list) and any(
        isinstance(value, str) and value.endswith(tuple(endings)) for value in values
    )


def true_keys(value: dict[str, Any]) -> list[str]:
    return [key for key, flag in value.items() if flag is True]


def glob(files: Iterable[Any], pattern: str) -> list[str]:
    matches = path_matcher(pattern)
    return [file for file in files if isinstance(file, str) and matches(file)]


@lru_cache(1024)
def path_matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a path matches the pattern: * ? [0-9] within a part, ** for any depth."""
    parts = pattern.split("/")
    if not any(sign in pattern for sign in "*?["):
        return pattern.__eq__
    last = parts[-1]
    if len(parts) <= 2 and not any(sign in last[1:] for sign in "*?[") and last[:1] not in ("?", "["):
        # The usual ones, *.ending and **/name, without a regular expression.
        anywhere = len(parts) == 2
        if not anywhere or parts[0] == "**":
            return _ending(last[1:], anywhere) if last[:1] == "*" else _named(last)
    return lambda path: _path_matches(path.split("/"), parts)


def _ending(ending: str, anywhere: bool) -> Callable[[str], bool]:
    if anywhere:
        return lambda path: path.endswith(ending)
    return lambda path: path.endswith(ending) and "/" not in path


def _named(name: str) -> Callable[[str], bool]:
    below = f"/{name}"
    return lambda path: path == name or path.endswith(below)


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


def ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def product(numbers: list[Any]) -> Any:
    """Raises jmespath's error where one is no number: Python multiplies texts, and a long one without end."""
    for number in numbers:
        if type(number) not in NUMBERS:
            from jmespath.exceptions import JMESPathTypeError

            raise JMESPathTypeError("product", number, type(number).__name__, ["array-number"])
    return math.prod(numbers)


def percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.0%}"


def at_least(version: Any, minimum: str) -> bool:
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


def at_least_parts(version: list[Any], minimum: list[int]) -> bool:
    """Return `at_least` of a list of numbers, where the minimum is read already."""
    if all(type(part) is int and 0 <= part < 10**6 for part in version) and len(version) <= 10:
        return version + [0] * (len(minimum) - len(version)) >= minimum
    return at_least(version, ".".join(map(str, minimum)))


def _version_text(version: Any) -> str:
    if isinstance(version, list):
        version = ".".join(map(str, version))
    return version if isinstance(version, str) and len(version) <= 100 else ""


def look_up(values: dict[str, Any], key: str | None) -> Any:
    return None if key is None else values.get(key)


OURS: dict[str, Callable[..., Any]] = {
    "lower": lower,
    "text": text,
    "has_text": has_text,
    "has_key": has_key,
    "truthy": truthy,
    "has_any": has_any,
    "shares": shares,
    "any_ends_with": any_ends_with,
    "true_keys": true_keys,
    "glob": glob,
    "ratio": ratio,
    "size": size_text,
    "product": product,
    "percent": percent,
    "at_least": at_least,
    "look_up": look_up,
    "cache_bytes": cache_bytes,
    "prompt_bytes": prompt_bytes,
    "machine_sums": machine_sums,
}


# --- JMESPath's, as jmespath 1.1 has them


def call(name: str, arguments: list[Any]) -> Any:
    """Call a function as jmespath does, with its checks. Raises jmespath's errors."""
    from .interpreter import FUNCTIONS  # a policy whose types fit needs neither jmespath nor its import

    return FUNCTIONS.call_function(name, arguments)


def kind(value: Any) -> Any:
    return _KINDS[type(value)]


def join(separator: str, parts: list[Any]) -> Any:
    try:
        return separator.join(parts)
    except TypeError:
        return call("join", [separator, parts])


def total(numbers: list[Any]) -> Any:
    return _finite_or_null(sum(numbers)) if all(type(n) in NUMBERS for n in numbers) else call("sum", [numbers])


def absolute(number: float) -> Any:
    return _finite_or_null(abs(number))


def values_of(value: dict[str, Any]) -> list[Any]:
    return list(value.values())


def not_null(*values: Any) -> Any:
    return _finite_or_null(next((value for value in values if value is not None), None))


def to_array(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def to_string(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return repr(value)
    import json  # hardly any rule asks for it

    return json.dumps(value, separators=(",", ":"), default=str)


def to_number(value: Any) -> Any:
    if type(value) in NUMBERS:
        return _finite_or_null(value)
    return call("to_number", [value]) if type(value) is str else None


def _finite_or_null(number: Any) -> Any:
    # to_number('nan') is null, as JMESPath says: Python's reading of numbers is wider than JSON's.
    return None if type(number) is float and number - number != 0 else number


_KINDS = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object",
}  # fmt: skip
PYTHON = {kind: frozenset(own for own, name in _KINDS.items() if name == kind) for kind in set(_KINDS.values())}

THEIRS: dict[str, Callable[..., Any]] = {
    "abs": absolute,
    "ceil": math.ceil,
    "contains": operator.contains,
    "ends_with": str.endswith,
    "floor": math.floor,
    "join": join,
    "keys": list,
    "length": len,
    "not_null": not_null,
    "starts_with": str.startswith,
    "sum": total,
    "to_array": to_array,
    "to_number": to_number,
    "to_string": to_string,
    "type": kind,
    "values": values_of,
}


def guarded(name: str, takes: Sequence[frozenset[str]]) -> Callable[..., Any]:
    """Return a function that looks at its arguments' kinds first: where they do not fit, jmespath raises its error."""
    run = OURS.get(name) or THEIRS[name]
    accepted = [frozenset(own for kind in kinds for own in PYTHON[kind]) for kinds in takes]

    def guard(*arguments: Any) -> Any:
        if len(arguments) == len(accepted) and all(
            type(value) in types for value, types in zip(arguments, accepted, strict=True)
        ):
            return run(*arguments)
        return call(name, list(arguments))

    return guard
