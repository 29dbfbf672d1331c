"""datalogic-py: JSONLogic, one compiled `if` in a session."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from datalogic_py import DataHandle, Engine

from .gates import GATES, LAST, Row, Term

DISTRIBUTION = "datalogic-py"
Answers = Callable[[], list[str]]


def session(rows: list[Row]) -> Answers:
    """One compiled rule in a session (its hot loop) over dicts"""
    engine = Engine()
    rule, evaluate = engine.compile(_rule()), engine.session().evaluate
    return lambda: [evaluate(rule, row) for row in rows]


def text(rows: list[Row]) -> Answers:
    """One compiled rule in a session, over JSON text that was made beforehand"""
    engine = Engine()
    rule, evaluate = engine.compile(_rule()), engine.session().evaluate_str
    texts = [json.dumps(row) for row in rows]
    return lambda: [evaluate(rule, one)[1:-1] for one in texts]


def batch(rows: list[Row]) -> Answers:
    """One compiled rule, one native call for all rows, over handles that were converted beforehand"""
    engine = Engine()
    rule, evaluate = engine.compile(_rule()), engine.session().evaluate_batch
    handles = [DataHandle(row) for row in rows]
    return lambda: [answer[1:-1] for answer in evaluate(rule, handles)]


def _rule() -> dict[str, Any]:
    branches: list[Any] = []
    for gate, terms in GATES:
        parts = [_term(term) for term in terms]
        branches += [{"and": parts} if len(parts) > 1 else parts[0], gate]
    return {"if": [*branches, LAST]}


def _term(term: Term) -> dict[str, Any]:
    value = {"var": term.fact}
    if term.operator == "is":
        return value
    if term.operator == "not":
        return {"!": value}
    operator = {"==": "===", "!=": "!=="}.get(term.operator, term.operator)
    return {operator: [value, term.value]}


WAYS = {"session": session, "text": text, "batch": batch}
