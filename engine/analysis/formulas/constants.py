"""What expressions say without any fact: worked out before anything is asked of the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...language.expression import Node
from ...language.fact_paths import at_root, path_of
from ...language.interpreter import interpret
from .new_nodes import literal, with_children

# Which argument is a set that is asked by membership: there it stays a set, so that its entries can be told apart.
SETS_AT = {"contains": 0, "shares": 1, "has_any": 1, "any_ends_with": 1}


class Constants:
    """The constants of one policy. taken: the sets that some expression was worked out of, by more than membership."""

    def __init__(self, sets: Mapping[str, list[str]], limits: Mapping[str, int | float]) -> None:
        self._scope = {"sets": sets, "limits": limits}
        self.taken: frozenset[str] = frozenset()

    def put_in(self, node: Node) -> Node:
        """Return the expression with a literal for each part that reads no fact, and note `taken` of it."""
        self.taken = frozenset()
        return self._put_in(node)

    def _put_in(self, node: Node) -> Node:
        if node["type"] == "literal":
            return node
        if not reads_facts(node):
            try:
                value = interpret(node, self._scope)
            except Exception:
                return node  # it can never be worked out: the gate that reads it blocks, and nothing is said of it
            self.taken |= sets_in(node)
            return literal(value)
        facts = {id(child) for child in at_root(node)}
        place = SETS_AT.get(node["value"], -1) if node["type"] == "function_expression" else -1
        children = [
            self._put_in(child) if id(child) in facts and not (number == place and _is_set(child)) else child
            for number, child in enumerate(node.get("children", []))
        ]
        return with_children(node, children)


def reads_facts(node: Node) -> bool:
    """Whether an expression reads a fact, or a derived one."""
    path = path_of(node)
    if path is not None:
        return path.split(".")[0] not in ("sets", "limits")
    return node["type"] in ("current", "identity", "field") or any(map(reads_facts, at_root(node)))


def sets_in(node: Node) -> frozenset[str]:
    """Return the names of the sets that an expression reads; "" stands for all of them."""
    path = path_of(node)
    if path is not None:
        section, _, name = path.partition(".")
        return frozenset({name}) if section == "sets" else frozenset()
    return frozenset[str]().union(*map(sets_in, at_root(node)))


def _is_set(node: Node) -> bool:
    path = path_of(node) or ""
    return path.startswith("sets.") and path.count(".") == 1


def key_of(value: Any) -> str:
    """Return what tells literals apart: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return repr(value)
    return repr(int(value)) if value == value // 1 else repr(value)
