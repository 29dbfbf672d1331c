"""zen-engine: one compiled expression, and the decision table that its documentation shows first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import zen

from .gates import GATES, LAST, Row, condition

DISTRIBUTION = "zen-engine"
Answers = Callable[[], list[str]]


def expression(rows: list[Row]) -> Answers:
    """One compiled expression of nested ?: over dicts"""
    text = "".join(f"{condition(terms, '{}', ' and ', 'not ')} ? '{gate}' : " for gate, terms in GATES) + f"'{LAST}'"
    evaluate = zen.compile_expression(text.replace('"', "'")).evaluate
    return lambda: [evaluate(row) for row in rows]


def table(rows: list[Row]) -> Answers:
    """A decision table, hit policy first, pre-compiled as ZenDecisionContent, over dicts"""
    evaluate = zen.ZenEngine().create_decision(zen.ZenDecisionContent(json.dumps(_content()))).evaluate
    return lambda: [evaluate(row)["result"]["gate"] for row in rows]


def _content() -> dict[str, Any]:
    facts = sorted({term.fact for _, terms in GATES for term in terms})
    rules: list[dict[str, str]] = []
    for gate, terms in (*GATES, (LAST, ())):
        rule = {"_id": gate, "out": f'"{gate}"'} | dict.fromkeys(facts, "")
        for term in terms:
            word = {"is": "true", "not": "false", "==": f'"{term.value}"'}
            rule[term.fact] = word.get(term.operator) or (
                f'!= "{term.value}"' if term.operator == "!=" else f"> {term.value}"
            )
        rules.append(rule)
    content = {
        "hitPolicy": "first",
        "rules": rules,
        "inputs": [{"id": fact, "name": fact, "field": fact} for fact in facts],
        "outputs": [{"id": "out", "name": "gate", "field": "gate"}],
        "passThrough": False,
        "inputField": None,
        "outputPath": None,
        "executionMode": "single",
        "passThorough": False,
    }
    ends = [{"id": "in", "type": "inputNode", "name": "in"}, {"id": "end", "type": "outputNode", "name": "end"}]
    return {
        "nodes": [*ends, {"id": "table", "type": "decisionTableNode", "name": "table", "content": content}],
        "edges": [
            {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "2", "sourceId": "table", "targetId": "end", "type": "edge"},
        ],
    }


WAYS = {"expression": expression, "table": table}
