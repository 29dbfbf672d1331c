"""What JMESPath's operators mean on plain JSON values, where Python's own differ: generated code calls these."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

NUMBERS = frozenset({int, float})
_ORDERABLE = frozenset({int, float, str})


def field(value: Any, name: str) -> Any:
    """Return a field of an object; null of anything else."""
    return value.get(name) if type(value) is dict else None


def false(value: Any) -> bool:
    """Return whether `value` counts as false: null, false, and what is empty. 0 does not."""
    return not value and type(value) not in NUMBERS


def equal(left: Any, right: Any) -> bool:
    """Return `left == right`, where true is not 1 and false is not 0."""
    if (left is True or left is False or right is True or right is False) and type(left) is not type(right):
        return False
    return left == right


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def ordered(left: Any, right: Any) -> bool | None:
        # Null where one of them has no order. Text against a number raises TypeError, as in jmespath.
        return compare(left, right) if type(left) in _ORDERABLE and type(right) in _ORDERABLE else None

    return ordered


less, at_most, more, no_less = map(_ordering, (lt, le, gt, ge))


def index(value: Any, position: int) -> Any:
    """Return an element of a list, counted from its end where `position` is negative; null where there is none."""
    return value[position] if type(value) is list and -len(value) <= position < len(value) else None


def sliced(value: Any, start: int | None, stop: int | None, step: int | None) -> Any:
    """Return a slice of a list; null of anything else. Raises ValueError where `step` is 0."""
    return value[start:stop:step] if type(value) is list else None


def flatten(value: Any) -> Any:
    """Return a list with the lists in it opened, one level deep; null of anything else."""
    if type(value) is not list:
        return None
    return [inner for element in value for inner in (element if type(element) is list else (element,))]


def finite(value: Any) -> Any:
    """Return `value`. Raises ValueError where it is a number that JSON cannot hold."""
    if type(value) is float and value - value != 0.0:
        raise ValueError("it is not a finite number")
    return value
