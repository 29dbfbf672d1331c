"""Plain JSON: values that json.dumps(allow_nan=False) takes and UTF-8 can carry, whatever a model folder holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MAX_DEPTH = 200


def text(string: str) -> str:
    """The string with each lone surrogate (a byte of a name, or an escape, that is no character) as U+FFFD."""
    if string.isascii():
        return string
    # UTF-16 because there every lone surrogate is one bad unit, and so becomes one replacement character.
    return string.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def shown(name: str) -> str:
    """A name of unknown origin as part of a message of one line."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text(name))[:200]


def value(parsed: Json, depth: int = MAX_DEPTH) -> Json:
    """A copy of what json.loads gave, with NaN and infinities (the libraries read them, JSON has no word) as null.

    Raises ValueError where dicts and lists are nested deeper than `depth`.
    """
    if isinstance(parsed, str):
        return text(parsed)
    if isinstance(parsed, float):
        return parsed if math.isfinite(parsed) else None
    if isinstance(parsed, dict | list) and depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(parsed, dict):
        return {text(key): value(item, depth - 1) for key, item in parsed.items()}
    if isinstance(parsed, list):
        return [value(item, depth - 1) for item in parsed]
    return parsed
