"""Makes a decider run: the one function that decides, and the exact way behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .decider import Decider
from .decision import Decision, Fields, PolicyName
from .lookup import finder
from .messages import said
from .runtime import namespace


def function_of(decider: Decider, slow: Callable[[Any], Decision], policy: PolicyName) -> Callable[[Any], Decision]:
    """Return the function that decides. slow: decides where facts are not as they should be."""
    names: dict[str, Any] = {
        **namespace(decider.constants, decider.guards),
        **{name: re.compile(expression) for name, expression in decider.patterns.items()},
        **{name: Decision(*fields, policy) for name, fields in decider.decisions.items()},
        **{f"_table{n}": t if isinstance(t, dict) else finder(t) for n, t in enumerate(decider.tables)},
        "_slow": slow,
        "_policy": policy,
        "_Fields": Fields,
        "_Decision": Decision,
        "_unknown": _UNKNOWN,
        "_said": said,
        "_boolean": _boolean,
        "_no_branch": _no_branch,
        "_join": "".join,
        "_lines": "\n/".join,
        "_integers": _integers,
    }
    exec(decider.code, names)
    return names["decide"]


_UNKNOWN = object()  # of a derived fact that was not worked out yet


def _boolean(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise TypeError("not boolean")


def _no_branch() -> Any:
    raise ValueError("no branch matches")


def _integers(values: list[Any]) -> None:
    if not all(type(value) is int for value in values):
        raise TypeError("not integers")
