"""A policy's conditions over facts alone: derived facts are written out, each value where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..document import Derivation
from ..expression import Node
from ..interpreter import interpret
from ..paths import path_of
from ..policy import Policy
from ..types import BOOLEAN


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition that is not put together by &&, || and !. Equal keys mean the same thing in every policy."""

    key: Any
    node: Node
    sets: Mapping[str, list[str]]
    limits: Mapping[str, int | float]

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`then` where `condition` holds, else `otherwise`. &&, || and ! are such, too."""

    condition: Formula
    then: Formula
    otherwise: Formula


Formula = bool | Atom | Choice


def negated(formula: Formula) -> Formula:
    return not formula if isinstance(formula, bool) else Choice(formula, False, True)


def both(one: Formula, other: Formula) -> Formula:
    if isinstance(one, bool):
        return other if one else False
    return one if other is True else Choice(one, other, False)


def either(one: Formula, other: Formula) -> Formula:
    if isinstance(one, bool):
        return True if one else other
    return one if other is False else Choice(one, True, other)


def literal(value: Any) -> Node:
    return {"type": "literal", "value": value, "children": []}


def path_node(path: str) -> Node:
    fields: list[Node] = [{"type": "field", "value": name, "children": []} for name in path.split(".")]
    return fields[0] if len(fields) == 1 else {"type": "subexpression", "children": fields}


def call(name: str, *arguments: Node) -> Node:
    return {"type": "function_expression", "value": name, "children": list(arguments)}


def equal(one: Node, other: Node) -> Node:
    return {"type": "comparator", "value": "eq", "children": [one, other]}


class Conditions:
    """The conditions of one policy as formulas.

    assumed: derived facts that are taken to have a value of their own. limits: numbers to take for the policy's.
    """

    def __init__(
        self, policy: Policy, assumed: Mapping[str, Any] | None = None, limits: Mapping[str, float] | None = None
    ) -> None:
        self._sets, self._limits = policy.sets, {**policy.limits, **(limits or {})}
        self._types, self._assumed = policy.derived_types, assumed or {}
        self._derivations: dict[str, Derivation] = {part.name: part for part in policy.document.derive}
        self._cases: dict[str, list[tuple[Formula, Node]]] = {}
        self._booleans: dict[str, Formula] = {}
        self._guards: dict[str, list[Formula]] = {}
        self._known: dict[int, tuple[Node, Formula]] = {}  # a node's id stays its own while the node is kept

    def guards(self, name: str) -> list[Formula]:
        """Return for each branch of a derived fact when it gives the value."""
        if name not in self._guards:
            before: Formula = True
            guards: list[Formula] = []
            for branch in self._derivations[name].branches:
                when = True if branch.when is None else self.of(branch.when.expression.node)
                guards.append(both(before, when))
                before = both(before, negated(when))
            self._guards[name] = guards
        return self._guards[name]

    def of(self, node: Node) -> Formula:
        """Return the formula of a condition."""
        found = self._known.get(id(node))
        if found is None:
            found = self._known[id(node)] = (node, self._of(node))
        return found[1]

    def _of(self, node: Node) -> Formula:
        kind, children = node["type"], node.get("children", [])
        if kind == "and_expression":
            return both(*map(self.of, children))
        if kind == "or_expression" and children[0].get("kinds") == BOOLEAN.kinds:
            return either(*map(self.of, children))
        if kind == "not_expression":
            return negated(self.of(children[0]))
        if kind == "literal" and isinstance(node["value"], bool):
            return node["value"]
        path = path_of(node) or ""
        name = path.removeprefix("derived.")
        if path.startswith("derived.") and self._types.get(name) == BOOLEAN:
            return self._boolean(name)
        used = _derived_in(node)
        if not used:
            return self.atom(node)
        result: Formula = False
        for guard, value in self._values(used):
            result = either(result, both(guard, self.of(put_node(node, f"derived.{used}", value))))
        return result

    def gates(self, policy: Policy) -> list[Formula]:
        """Return the condition of each gate, in order; True where it always fires."""
        return [True if g.when is None else self.of(g.when.expression.node) for g in policy.document.gates]

    def atom(self, node: Node) -> Formula:
        """Return a condition that reads no derived fact."""
        key, constant = self._key(node)
        if constant:
            return interpret(node, {"sets": self._sets, "limits": self._limits}) is True
        return Atom(key, node, self._sets, self._limits)

    def _boolean(self, name: str) -> Formula:
        if name not in self._booleans:
            if name in self._assumed:
                return self._assumed[name]
            result: Formula = False
            branches = self._derivations[name].branches
            for branch in reversed(branches):
                value = bool(branch.value) if branch.compute is None else self.of(branch.compute.expression.node)
                when = True if branch.when is None else self.of(branch.when.expression.node)
                result = value if when is True else result if when is False else Choice(when, value, result)
            self._booleans[name] = result
        return self._booleans[name]

    def _values(self, name: str) -> list[tuple[Formula, Node]]:
        if name in self._assumed:
            return [(True, literal(self._assumed[name]))]
        if name not in self._cases:
            if self._types.get(name) == BOOLEAN:
                holds = self._boolean(name)
                cases = [(holds, literal(True)), (negated(holds), literal(False))]
            else:
                cases = [
                    (guard, literal(branch.value) if branch.compute is None else branch.compute.expression.node)
                    for guard, branch in zip(self.guards(name), self._derivations[name].branches, strict=True)
                ]
            self._cases[name] = cases
        return self._cases[name]

    def _key(self, node: Node) -> tuple[Any, bool]:
        """Return what makes two conditions the same, and whether no fact is read."""
        path = path_of(node)
        if path is not None:
            section, _, name = path.partition(".")
            if section == "sets" and name in self._sets:
                return ("set", name, frozenset(self._sets[name])), True
            if section == "limits" and name in self._limits:
                return ("literal", repr(float(self._limits[name]))), True
            return ("path", path), False
        kind = node["type"]
        parts = [self._key(child) for child in node.get("children", []) if isinstance(child, dict)]
        value = node.get("value")
        shown = repr(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
        keys = tuple(key for key, _ in parts)
        return (kind, shown, keys) if keys else (kind, shown), kind != "current" and all(c for _, c in parts)


def _derived_in(node: Node) -> str:
    path = path_of(node)
    if path is not None:
        return path.split(".")[1] if path.startswith("derived.") else ""
    for child in node.get("children", []):
        if isinstance(child, dict) and (found := _derived_in(child)):
            return found
    return ""


def put_node(node: Node, path: str, value: Node) -> Node:
    """Return an expression in which `value` stands for a path."""
    own = path_of(node)
    if own == path:
        return value
    if own is not None:
        if not own.startswith(f"{path}."):
            return node
        return {"type": "subexpression", "children": [value, *node["children"][path.count(".") + 1 :]]}
    children = [
        put_node(child, path, value) if isinstance(child, dict) else child for child in node.get("children", [])
    ]
    return {**node, "children": children}
