"""The names that generated code runs with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..language import function_code, operators

if TYPE_CHECKING:
    from typing import Any

    from .program import Guard


def _interpret(node: dict[str, Any], value: Any) -> Any:
    from ..language.interpreter import interpret

    return interpret(node, value)


RUNTIME: dict[str, Any] = {
    "_false": operators.false,
    "_field": operators.field,
    "_equal": operators.equal,
    "_less": operators.less,
    "_at_most": operators.at_most,
    "_more": operators.more,
    "_no_less": operators.no_less,
    "_index": operators.index,
    "_sliced": operators.sliced,
    "_flatten": operators.flatten,
    "_finite": operators.finite,
    "_at_least_parts": function_code.at_least_parts,
    "_numbers": operators.NUMBERS,
    "_call": function_code.call,
    "_interpret": _interpret,
    **{f"_f_{name}": run for name, run in (function_code.OURS | function_code.THEIRS).items()},
}


def namespace(constants: Mapping[str, Any], guards: Mapping[str, Guard]) -> dict[str, Any]:
    """Return the names that generated code runs with."""
    return {**RUNTIME, **constants, **{name: function_code.guarded(*guard) for name, guard in guards.items()}}
