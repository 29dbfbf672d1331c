"""Nodes of expressions that no rule file has: made of values and paths, folded, and put in for others."""

from __future__ import annotations

from operator import is_
from typing import Any

from ...language.expression import Node
from ...language.fact_paths import at_root, path_of


def literal(value: Any) -> Node:
    return {"type": "literal", "value": value, "children": []}


def path_node(path: str) -> Node:
    fields: list[Node] = [{"type": "field", "value": name, "children": []} for name in path.split(".")]
    return fields[0] if len(fields) == 1 else {"type": "subexpression", "children": fields}


def call(name: str, *arguments: Node) -> Node:
    return {"type": "function_expression", "value": name, "children": list(arguments)}


def equal(one: Node, other: Node) -> Node:
    return {"type": "comparator", "value": "eq", "children": [one, other]}


def lifted(node: Node) -> Node:
    """Return an expression in which what is read of a fact stands around the fact's whole path.

    `derived.x[0]` is parsed as `x[0]`, asked of `derived`; here it is an index of `derived.x`, which is the same.
    """
    if path_of(node) is not None or node["type"] == "literal":
        return node
    children = [lifted(child) if isinstance(child, dict) else child for child in node.get("children", [])]
    if node["type"] != "subexpression":
        return {**node, "children": children}
    base = children[0]
    for step in children[1:]:
        base = _under(base, step)
    return base


def _under(base: Node, step: Node) -> Node:
    if step["type"] in ("index_expression", "projection", "filter_projection", "value_projection", "flatten"):
        return {**step, "children": [_under(base, step["children"][0]), *step["children"][1:]]}
    above = base["children"] if base["type"] == "subexpression" else [base]
    return {"type": "subexpression", "children": [*above, step]}


def folded(node: Node) -> Node:
    """Return an expression in which what is known without any fact is done: a look-up by a known name, an ||.

    What is made of parts, such as a joined text, is not null.
    """
    if path_of(node) is not None or node["type"] == "literal":
        return node
    children = [folded(child) if isinstance(child, dict) else child for child in node.get("children", [])]
    kind, known = node["type"], [isinstance(c, dict) and c["type"] == "literal" for c in children]
    if kind == "or_expression" and known[0]:
        value = children[0]["value"]
        return children[1] if value is None or value is False or value in ("", [], {}) else children[0]
    if kind == "comparator" and node["value"] in ("eq", "ne"):
        for one, other in (children, children[::-1]):
            if other["type"] == "literal" and other["value"] is None and _is_made(one):
                return literal(node["value"] == "ne")
    if kind == "function_expression" and node["value"] == "look_up" and known[1]:
        if children[0]["type"] == "multi_select_dict":
            pairs = {pair["value"]: pair["children"][0] for pair in children[0]["children"]}
            return pairs.get(children[1]["value"], literal(None))
        return with_children(node, children)
    if kind == "function_expression" and node["value"] in ("cache_bytes", "prompt_bytes") and known[0]:
        return literal(None) if children[0]["value"] is None else with_children(node, children)
    return with_children(node, children)


def _is_made(node: Node) -> bool:
    return node["type"] == "function_expression" and node["value"] in ("join", "sum", "size", "to_string")


def put_node(node: Node, path: str, value: Node) -> Node:
    """Return an expression in which `value` stands for a path; a part without it is the same object as before."""
    own = path_of(node)
    if own == path:
        return value
    if own is not None:
        if not own.startswith(f"{path}."):
            return node
        return {"type": "subexpression", "children": [value, *node["children"][path.count(".") + 1 :]]}
    facts = [id(child) for child in at_root(node)]
    children = [put_node(child, path, value) if id(child) in facts else child for child in node.get("children", [])]
    return with_children(node, children)


def with_children(node: Node, children: list[Any]) -> Node:
    """Return the node with other children: the node itself where they are its own, as what is known of it stays so."""
    return node if all(map(is_, children, node.get("children", []))) else {**node, "children": children}
