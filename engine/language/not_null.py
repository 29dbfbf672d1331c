"""What a condition proves: which facts cannot be null where it holds, or where it does not."""

from __future__ import annotations

from .expression import Node
from .fact_paths import path_of

Paths = frozenset[str]
NOTHING: Paths = frozenset()
_PROVING = {"has_text": 0, "has_key": 0, "truthy": 0, "has_any": 0, "shares": 0, "at_least": 0, "contains": 1}


def not_null_when(node: Node, holds: bool) -> Paths:
    """Return the paths that cannot be null where the condition `node` is `holds`."""
    kind = node["type"]
    if kind == "not_expression":
        return not_null_when(node["children"][0], not holds)
    if kind in ("and_expression", "or_expression"):
        first, second = (not_null_when(child, holds) for child in node["children"])
        return first | second if (kind == "and_expression") == holds else first & second
    if kind == "comparator":
        return _compared(node, holds)
    if not holds:
        return NOTHING
    if kind == "function_expression" and node["value"] in _PROVING:
        position = _PROVING[node["value"]]
        arguments = node["children"]
        if len(arguments) <= position or (node["value"] == "contains" and not _without_null(arguments[0])):
            return NOTHING
        return _subject(arguments[position])
    path = path_of(node)
    return frozenset({path}) if path else NOTHING


def _compared(node: Node, holds: bool) -> Paths:
    operator, (left, right) = node["value"], node["children"]
    if operator not in ("eq", "ne"):
        return NOTHING
    same = (operator == "eq") == holds
    proven: set[str] = set()
    for one, other in ((left, right), (right, left)):
        if other["type"] == "literal" and (other["value"] is None) != same:
            proven |= _subject(one)
    return frozenset(proven)


def _without_null(node: Node) -> bool:
    # Whether it is a list that surely holds no null; contains(`[null]`, x) proves nothing.
    return (path_of(node) or "").startswith("sets.")


def _subject(node: Node) -> Paths:
    # lower(x) and x are null together.
    if node["type"] == "function_expression" and node["value"] == "lower" and node["children"]:
        return _subject(node["children"][0])
    path = path_of(node)
    return frozenset({path}) if path else NOTHING
