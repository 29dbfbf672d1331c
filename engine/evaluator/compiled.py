"""Makes a decider run: the one function that decides, and the exact way behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..compiler.code_names import namespace
from ..compiler.function.decider import UNKNOWN, Decider, Reply
from ..compiler.function.gate_tables import finder
from ..compiler.program import Program
from ..decision import Decision, Fields, PolicyName
from ..facts.one_line import sayer

Decide = Callable[[Any], Decision]


def function_of(decider: Decider, program: Program, slow: Decide, policy: PolicyName) -> Decide:
    """Return the function that decides. slow: the exact way, which decides where facts are not as they should be."""

    def given(facts: Any) -> Decision:
        # Made where it is first needed, which is seldom, and then called without this detour.
        from ..compiler.function.partial_facts import lenient_decider

        found = lenient_decider(program)
        names["_given"] = slow if found is None else _names(found[0], slow, policy, **found[1])["decide"]
        return names["_given"](facts)

    names = _names(decider, slow, policy, _given=given)
    return names["decide"]


def _names(decider: Decider, slow: Decide, policy: PolicyName, **more: Any) -> dict[str, Any]:
    """Return the names of a decider's code, `decide` among them."""
    known: set[str] = set()
    names: dict[str, Any] = {
        **namespace(decider.constants, decider.guards),
        **{name: re.compile(expression) for name, expression in decider.patterns.items()},
        **{name: Decision(*fields, policy) for name, fields in decider.decisions.items()},
        **{f"_table{n}": t if isinstance(t, dict) else finder(t) for n, t in enumerate(decider.tables)},
        "_slow": slow,
        "_policy": policy,
        "_Fields": Fields,
        "_Decision": Decision,
        "_unknown": UNKNOWN,
        "_nothing": {},
        "_said": sayer(known),
        "_known": known,
        "_boolean": _boolean,
        "_no_branch": _no_branch,
        "_join": "".join,
        "_lines": "\n/".join,
        **more,
    }
    exec(decider.code, names)
    for number, replies in enumerate(decider.answers):
        names[f"_answers{number}"] = [_answer(reply, names) for reply in replies]
    return names


def _answer(reply: Reply, names: dict[str, Any]) -> Any:
    if isinstance(reply, str):
        return names[reply]
    function, own = reply
    return names[function], names[own] if isinstance(own, str) else own


def _boolean(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise TypeError("not boolean")


def _no_branch() -> Any:
    raise ValueError("no branch matches")
