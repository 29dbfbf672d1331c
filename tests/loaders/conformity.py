"""Holds a probe's facts against the vocabulary in rules/facts.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlxk_rules.engine.storage.data_files import vocabulary

STATUSES = {"ok", "empty", "missing", "unreadable", "invalid", "not_an_object"}
TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "object": dict, "number": float, "list": list}


def expected() -> dict[str, dict[str, Any]]:
    """Every fact of the vocabulary by name, the documents' two facts each included."""
    facts = {fact["name"]: fact for fact in vocabulary()["facts"]}
    for document in vocabulary()["documents"]:
        facts[document["name"]] = {"type": "object", "nullable": True}
        facts[f"{document['name']}_status"] = {"type": "string", "values": STATUSES}
    return facts


def complaints(facts: dict[str, Any]) -> list[str]:
    """What is wrong with a probe's facts: missing, unknown, of another type, or no plain JSON."""
    known = expected()
    found = dict(_leaves(facts, known))
    wrong = [f"missing: {name}" for name in known.keys() - found.keys()]
    wrong += [f"unknown: {name}" for name in found.keys() - known.keys()]
    wrong += [f"{name}: {value!r:.80}" for name, value in found.items() if not _fits(value, known.get(name, {}))]
    wrong += [f"a problem of nothing: {name}" for name in facts["problems"].keys() - known.keys()]
    json.dumps(facts, allow_nan=False, ensure_ascii=False).encode("utf-8")
    return wrong + [f"not plain: {kind}" for kind in _kinds(facts) - {dict, list, str, int, float, bool, type(None)}]


def _leaves(facts: dict[str, Any], known: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in facts.items():
        name = prefix + key
        if name not in known and isinstance(value, dict):
            yield from _leaves(value, known, f"{name}.")
        else:
            yield name, value


def _fits(value: Any, fact: dict[str, Any]) -> bool:
    if not fact or value is None:
        return not fact or bool(fact.get("nullable"))
    kind = fact["type"]
    if kind.startswith("list of "):
        return type(value) is list and all(type(item) is TYPES[kind.removeprefix("list of ")] for item in value)
    return type(value) is TYPES[kind] and (value in fact["values"] if "values" in fact else True)


def _kinds(value: Any) -> set[type]:
    inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {type(value)}.union(*map(_kinds, inner))
