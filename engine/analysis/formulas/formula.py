"""A policy's conditions over facts alone: derived facts are written out, each value where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...facts.types import BOOLEAN
from ...language.expression import Node
from ...language.fact_paths import path_of
from ...policy import Policy
from ...rulefile.document import Derivation, Located
from .constants import Constants, key_of
from .derived_from import MadeOf
from .new_nodes import folded, lifted, literal, put_node


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition that is not put together by &&, || and !. Equal keys mean the same thing in every policy."""

    key: Any
    node: Node
    sets: Mapping[str, list[str]]
    limits: Mapping[str, int | float]
    taken: frozenset[str] = frozenset()  # sets of which more counts than what is in them; "" is all

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
    return (one if other else False) if isinstance(other, bool) else Choice(one, other, False)


def either(one: Formula, other: Formula) -> Formula:
    if isinstance(one, bool):
        return True if one else other
    return (True if other else one) if isinstance(other, bool) else Choice(one, True, other)


def same(one: Formula, other: Formula) -> Formula:
    if isinstance(one, bool):
        return other if one else negated(other)
    return (one if other else negated(one)) if isinstance(other, bool) else Choice(one, other, negated(other))


class Conditions:
    """The conditions of one policy as formulas.

    assumed: derived facts that are taken to have a value of their own. limits: numbers to take for the policy's.
    beside: the same policy's conditions without these, from which all is taken that does not depend on them.
    """

    def __init__(
        self,
        policy: Policy,
        assumed: Mapping[str, Any] | None = None,
        limits: Mapping[str, float] | None = None,
        beside: Conditions | None = None,
    ) -> None:
        self._policy, self._beside, self._other_limits = policy, beside, limits or {}
        self._sets, self._limits = policy.sets, {**policy.limits, **self._other_limits}
        self._constants = Constants(self._sets, self._limits)
        # Sets of which more counts than what is in them; "" is all.
        self.taken: set[str] = beside.taken if beside is not None else set()
        self._lifted: dict[int, Node] = beside._lifted if beside is not None else {}
        self._types, self._assumed = policy.derived_types, assumed or {}
        self._derivations: dict[str, Derivation] = {part.name: part for part in policy.document.derive}
        self._reads = beside._reads if beside is not None else MadeOf(policy.document.derive)
        self._changed = {f"derived.{name}" for name in self._assumed} | {
            f"limits.{name}" for name in self._other_limits
        }
        self._changed |= {path.partition(".")[0] for path in self._changed}  # and all of them at once
        if beside is not None:
            self._changed -= beside._changed
        self._cases: dict[str, list[tuple[Formula, Node]]] = {}
        self._booleans: dict[str, Formula] = {}
        self._guards: dict[str, list[Formula]] = {}
        self._known: dict[int, tuple[Node, Formula]] = {}  # a node's id stays its own while the node is kept
        self._under: dict[tuple[str, str], Conditions] = {}

    def guards(self, name: str) -> list[Formula]:
        """Return for each branch of a derived fact when it gives the value."""
        if self._beside is not None and not self._reads.of(name) & self._changed:
            return self._beside.guards(name)
        if name not in self._guards:
            before: Formula = True
            guards: list[Formula] = []
            for branch in self._derivations[name].branches:
                when = True if branch.when is None else self.condition(branch.when)
                guards.append(both(before, when))
                before = both(before, negated(when))
            self._guards[name] = guards
        return self._guards[name]

    def condition(self, located: Located) -> Formula:
        """Return the formula of a condition that stands in the policy."""
        return self.of(self._node(located))

    def _node(self, located: Located) -> Node:
        node = located.expression.node
        return self._lifted.get(id(node)) or self._lifted.setdefault(id(node), lifted(node))

    def of(self, node: Node) -> Formula:
        """Return the formula of a condition."""
        found = self._known.get(id(node))
        if found is None:
            beside = self._beside
            alike = beside is not None and not self._reads.below(node) & self._changed
            found = self._known[id(node)] = (node, beside.of(node) if beside is not None and alike else self._of(node))
        return found[1]

    def _of(self, node: Node) -> Formula:
        kind, children = node["type"], node.get("children", [])
        if kind == "and_expression":
            return both(*map(self.of, children))
        if kind == "or_expression" and children[0].get("kinds") == BOOLEAN.kinds:
            return either(*map(self.of, children))
        if kind == "not_expression":
            return negated(self.of(children[0]))
        if kind == "comparator" and all(child.get("kinds") == BOOLEAN.kinds for child in children):
            alike = same(*map(self.of, children))
            return alike if node["value"] == "eq" else negated(alike)
        if kind == "literal" and isinstance(node["value"], bool):
            return node["value"]
        path = path_of(node) or ""
        name = path.removeprefix("derived.")
        if path.startswith("derived.") and self._types.get(name) == BOOLEAN:
            return self._boolean(name)
        used = self._reads.last(node)
        if not used:
            return self.atom(node)
        result: Formula = False
        if pivot := self._pivot(node):
            for guard, value in self._values(pivot):
                result = either(result, both(guard, self._given(pivot, value["value"]).of(node)))
            return result
        for guard, value in self._values(used):
            result = either(result, both(guard, self.of(folded(put_node(node, f"derived.{used}", value)))))
        return result

    def _pivot(self, node: Node) -> str:
        """Return the derived fact that a condition is best split by: several of the values that it reads are looked up
        by it, and taken one by one they would be combined with each other, all with all."""
        direct = {path.removeprefix("derived.") for path in self._reads.paths(node) if path.startswith("derived.")}
        keys = set(self._reads.looked_up_by(node))
        if not keys and all(self._types.get(name) == BOOLEAN or self._words(name) is not None for name in direct):
            return ""
        waiting, seen = [name for name in direct if name not in self._assumed], set[str]()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            keys |= self._reads.keys[name]
            read = (path.removeprefix("derived.") for path in self._reads.direct[name] if path.startswith("derived."))
            waiting.extend(other for other in read if other not in seen and other not in self._assumed)
        found = [name for name in keys if name not in self._assumed and self._words(name) is not None]
        return max(found, key=self._reads.order.__getitem__, default="")

    def _given(self, name: str, value: Any) -> Conditions:
        if (name, repr(value)) not in self._under:
            assumed = {**self._assumed, name: value}
            self._under[name, repr(value)] = Conditions(self._policy, assumed, self._other_limits, self)
        return self._under[name, repr(value)]

    def _words(self, name: str) -> list[Any] | None:
        """Return the texts, or null, that are all that a derived fact can be; None where it can be something else."""
        if self._types.get(name) == BOOLEAN:
            return None
        return self._reads.words(name)

    def gates(self) -> list[Formula]:
        """Return the condition of each gate, in order; True where it always fires."""
        return [True if g.when is None else self.condition(g.when) for g in self._policy.document.gates]

    def atom(self, node: Node) -> Formula:
        """Return a condition that reads no derived fact."""
        node = self._constants.put_in(node)
        self.taken |= self._constants.taken
        if node["type"] == "literal":
            return node["value"] is True
        return Atom(self._key(node), node, self._sets, self._limits, self._constants.taken)

    def _boolean(self, name: str) -> Formula:
        if self._beside is not None and not self._reads.of(name) & self._changed:
            return self._beside._boolean(name)
        if name not in self._booleans:
            if name in self._assumed:
                return self._assumed[name]
            result: Formula = False
            branches = self._derivations[name].branches
            for branch in reversed(branches):
                value = bool(branch.value) if branch.compute is None else self.condition(branch.compute)
                when = True if branch.when is None else self.condition(branch.when)
                result = value if when is True else result if when is False else Choice(when, value, result)
            self._booleans[name] = result
        return self._booleans[name]

    def _values(self, name: str) -> list[tuple[Formula, Node]]:
        if name in self._assumed:
            return [(True, literal(self._assumed[name]))]
        if self._beside is not None and not self._reads.of(name) & self._changed:
            return self._beside._values(name)
        if name not in self._cases:
            if self._types.get(name) == BOOLEAN:
                holds = self._boolean(name)
                cases = [(holds, literal(True)), (negated(holds), literal(False))]
            else:
                cases = [
                    (guard, literal(branch.value) if branch.compute is None else self._node(branch.compute))
                    for guard, branch in zip(self.guards(name), self._derivations[name].branches, strict=True)
                ]
                if self._words(name) is not None:
                    cases = self._merged(cases)
            self._cases[name] = [(guard, value) for guard, value in cases if guard is not False]
        return self._cases[name]

    def _merged(self, cases: list[tuple[Formula, Node]]) -> list[tuple[Formula, Node]]:
        """Return each text once, with all that leads to it."""
        found: dict[Any, Formula] = {}
        waiting = cases[::-1]
        while waiting:
            guard, node = waiting.pop()
            if used := self._reads.last(node):
                more = [(both(guard, g), folded(put_node(node, f"derived.{used}", v))) for g, v in self._values(used)]
                waiting.extend(reversed(more))
            else:
                found[node["value"]] = either(found.get(node["value"], False), guard)
        return [(guard, literal(value)) for value, guard in found.items()]

    def _key(self, node: Node) -> Any:
        """Return what makes two conditions the same, in this policy and another."""
        path = path_of(node)
        if path is not None:
            section, _, name = path.partition(".")
            if section == "sets" and name in self._sets:
                return "set", name, frozenset(self._sets[name])
            # All derived facts at once are what this policy makes of the facts.
            return ("path", path, self._own if section in ("derived", "sets", "limits") else None)
        children = node.get("children", [])
        parts = tuple(self._key(child) if isinstance(child, dict) else ("number", child) for child in children)
        return node["type"], key_of(node.get("value")), parts

    @cached_property
    def _own(self) -> Any:
        derive = [
            (part.name, [(_text(b.when), repr(b.value), _text(b.compute)) for b in part.branches])
            for part in self._policy.document.derive
        ]
        return repr((derive, self._assumed, self._sets, self._limits))


def _text(located: Located | None) -> str | None:
    return None if located is None else located.expression.text
