"""cedarpy: Cedar knows no order, so every gate is a permit, and the first of those that hold is the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cedarpy import Entities, PolicySet, is_authorized_batch

from .gates import GATES, LAST, Row, condition

DISTRIBUTION = "cedarpy"
Answers = Callable[[], list[str]]
_SHARE = 10_000  # Cedar has whole numbers only


def batch(rows: list[Row]) -> Answers:
    """A policy set parsed once, one native call for all rows, contexts as JSON text that was made beforehand"""
    policies = PolicySet.from_str("\n".join(map(_policy, range(len(GATES)))))
    order = {f"policy{number}": number for number in range(len(GATES))}
    names = [gate for gate, _ in GATES]
    entities = Entities.from_json_str("[]")
    requests = [_request(row) for row in rows]

    def answers() -> list[str]:
        found: list[str] = []
        for result in is_authorized_batch(requests, policies, entities):
            reasons = result.diagnostics.reasons
            found.append(names[min(map(order.__getitem__, reasons))] if reasons else LAST)
        return found

    return answers


def _policy(number: int) -> str:
    _, terms = GATES[number]
    whole = tuple(term._replace(value=round(term.value * _SHARE)) if term.operator == ">" else term for term in terms)
    return f"permit(principal, action, resource) when {{ {condition(whole, 'context.{}', ' && ', '!')} }};"


def _request(row: Row) -> dict[str, Any]:
    context = json.dumps(row | {"ratio": round(row["ratio"] * _SHARE)})
    names = {"principal": "User", "action": "Action", "resource": "Model"}
    return {part: {"type": kind, "id": "any"} for part, kind in names.items()} | {"context": context}


WAYS = {"batch": batch}
