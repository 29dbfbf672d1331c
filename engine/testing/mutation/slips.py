"""Other expressions made of an expression: each a slip that a person could make, or a term that does not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...facts.types import BOOLEAN
from ...language.expression import Expression, Node

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_NEGATED = {"eq": "ne", "ne": "eq", "lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt"}
_BOUNDARY = {"lt": "lte", "lte": "lt", "gt": "gte", "gte": "gt"}
_CHAINS = {"and_expression": "&&", "or_expression": "||"}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A changed expression. kind: condition, term or operator. label: what changed, in words; node: the whole tree."""

    kind: str
    label: str
    node: Node
    offset: int


def rewrites(expression: Expression, condition: bool) -> list[Rewrite]:
    """Return every rewrite of `expression`, none equal to it or to another. condition: it is boolean as a whole.

    A condition that is always false is left to the caller: its gate or branch is then as good as dropped.
    """
    found: dict[str, Rewrite] = {}
    seen = {_key(expression.node)}
    root = expression.node
    every = [Rewrite("condition", "negated", negated(root), root["start"])] if condition else []
    every += _inside(expression)
    if condition:
        every.append(Rewrite("condition", "always true", _constant(root, True), root["start"]))
    for rewrite in every:
        key = _key(rewrite.node)
        if key not in seen and not (condition and rewrite.node.get("value") is False):
            seen.add(key)
            label = rewrite.label
            while label in found:
                label += " (again)"
            found[label] = Rewrite(rewrite.kind, label, rewrite.node, rewrite.offset)
    return list(found.values())


def negated(node: Node) -> Node:
    """Return the negation of a condition, in its simplest form."""
    if node["type"] == "not_expression":
        return node["children"][0]
    if node["type"] == "comparator":
        return {**node, "value": _NEGATED[node["value"]]}
    return {"type": "not_expression", "children": [node], "start": node["start"], "end": node["end"]}


def _inside(expression: Expression) -> Iterator[Rewrite]:
    root = expression.node

    def made(kind: str, label: str, path: tuple[int, ...], node: Node) -> Rewrite:
        return Rewrite(kind, label, _put(root, path, node), _at(root, path)["start"])

    for path, node, chained in _walk(root, (), ""):
        text = " ".join(expression.source(node).split())
        kind = node["type"]
        if kind in _CHAINS and node.get("kinds") == BOOLEAN.kinds and chained != kind:
            terms = _operands(node)
            for number, term in enumerate(terms):
                words = " ".join(expression.source(term).split())
                rest = [*terms[:number], *terms[number + 1 :]]
                yield made("term", f"without {words}", path, _chain(node, rest))
                changed = [*terms[:number], negated(term), *terms[number + 1 :]]
                yield made("term", f"negated {words}", path, _chain(node, changed))
            # One false term makes all of && false, one true term all of ||; whichever it is.
            value = kind == "or_expression"
            yield made("term", f"{'true' if value else 'false'} in place of {text}", path, _constant(node, value))
        elif kind == "not_expression":
            yield made("term", f"without the ! of {text}", path, node["children"][0])
        elif kind == "comparator":
            for value in (_NEGATED[node["value"]], _BOUNDARY.get(node["value"])):
                if value is not None:
                    yield made("operator", f"{_SIGNS[value]} in {text}", path, {**node, "value": value})


def _walk(node: Node, path: tuple[int, ...], above: str) -> Iterator[tuple[tuple[int, ...], Node, str]]:
    yield path, node, above
    for number, child in enumerate(node.get("children", ())):
        if isinstance(child, dict):
            yield from _walk(child, (*path, number), node["type"])


def _operands(node: Node) -> list[Node]:
    kind = node["type"]
    return [term for child in node["children"] for term in (_operands(child) if child["type"] == kind else [child])]


def _chain(node: Node, terms: list[Node]) -> Node:
    chain = terms[0]
    for term in terms[1:]:
        chain = {**node, "children": [chain, term]}
    return chain


def _constant(node: Node, value: bool) -> Node:
    return {"type": "literal", "value": value, "children": [], "start": node["start"], "end": node["end"]}


def _put(root: Node, path: tuple[int, ...], node: Node) -> Node:
    """Return a copy of the tree with `node` at `path`; a constant there is carried up as far as it decides."""
    if not path:
        return node
    children = list(root["children"])
    child = children[path[0]] = _put(children[path[0]], path[1:], node)
    if child["type"] == "literal" and isinstance(child["value"], bool):
        if root["type"] == "not_expression":
            return _constant(root, not child["value"])
        if root["type"] in _CHAINS and root.get("kinds") == BOOLEAN.kinds:
            absorbing = root["type"] == "or_expression"
            return _constant(root, absorbing) if child["value"] is absorbing else children[1 - path[0]]
    return {**root, "children": children}


def _at(root: Node, path: tuple[int, ...]) -> Node:
    for number in path:
        root = root["children"][number]
    return root


def _key(node: Any) -> str:
    return json.dumps(_bare(node), sort_keys=True, default=repr)


def _bare(node: Any) -> Any:
    if isinstance(node, dict) and node.get("type") in _CHAINS and node.get("kinds") == BOOLEAN.kinds:
        return [node["type"], *(_bare(term) for term in _operands(node))]
    if isinstance(node, dict) and "type" in node:
        return [node["type"], repr(node.get("value")), *(_bare(child) for child in node.get("children", ()))]
    return repr(node)
