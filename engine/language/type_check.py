"""The type check of an expression: every trap of JMESPath's that types can tell, found before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from ..facts.assignments import size_in_bytes
from ..facts.types import ANYTHING, BOOLEAN, Type, type_of
from ..problems import did_you_mean
from .call_check import CallCheck
from .expression import Node
from .fact_paths import path_of
from .list_check import ListCheck
from .not_null import NOTHING, Paths, not_null_when
from .type_findings import Finding

_LITERALS = {"true": "`true`", "false": "`false`", "null": "`null`", "none": "`null`"}
_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


class Checker(CallCheck, ListCheck):
    """Types one expression: facts, operators and conditions here, calls and lists in its two parents."""

    def condition(self, known: Paths = NOTHING) -> list[Finding]:
        """Check that the expression is a condition: boolean and never null."""
        kind = self._infer(self.expression.node, self.facts, known, root=True)
        self._boolean(self.expression.node, kind, "the condition")
        return self.findings

    def value(self, known: Paths = NOTHING) -> tuple[Type, list[Finding]]:
        """Check an expression whose value is used; return its type."""
        return self._infer(self.expression.node, self.facts, known, root=True), self.findings

    # --- names, one after the other

    def _field(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        kind = self._step(node, scope, root)
        return kind.without_null() if root and node["value"] in known else kind

    def _step(self, node: Node, scope: Type, root: bool, parent: str = "") -> Type:
        name = node["value"]
        if node.get("quoted") and not parent:
            known_fact = scope.fields is not None and name in scope.fields
            help = f"write `{name}` without quotes" if known_fact else f"write '{name}' in single quotes"
            return self._report(node, "quoted-identifier", f'"{name}" in double quotes names a field, not text', help)
        if scope.fields is not None and name in scope.fields:
            kind = scope.fields[name].or_null() if scope.nullable else scope.fields[name]
            return kind if scope.sure else kind.doubted()
        if not parent and name.lower() in _LITERALS:
            literal = _LITERALS[name.lower()]
            return self._report(
                node,
                "bare-literal",
                f"the bare word `{name}` names a fact, not a value",
                f"put it in back-quotes: {literal}",
            )
        if scope.fields is not None:
            return self._unknown(node, name, scope, root, parent)
        if "object" not in scope.kinds:
            where = f"`{parent}`" if parent else "the element"
            return self._report(
                node,
                "no-fields",
                f"{where} is {scope} and has no field `{name}`",
                "compare or pass on the value itself",
            )
        return ANYTHING

    def _unknown(self, node: Node, name: str, scope: Type, root: bool, parent: str) -> Type:
        fields = scope.fields or {}
        what = {"sets": "set", "limits": "limit", "derived": "derived fact"}.get(parent, "fact")
        full = f"{parent}.{name}" if parent and what == "fact" else name
        help = did_you_mean(name, fields)
        sections = [part for part in ("sets", "limits", "derived") if name in (self._named(part) or ())]
        if root and not parent and sections:
            text = " or ".join(f"`{part}.{name}`" for part in sections)
            return self._report(node, "unknown-fact", f"unknown fact `{name}`", f"write {text}")
        if help and parent:
            help = help.replace("`", f"`{parent}.", 1)
        if help and root and not parent and max(SequenceMatcher(None, name, known).ratio() for known in fields) < 0.7:
            help = f"{help} for text, write '{name}' in single quotes"
        elif not help and root and not parent:
            help = f"for text, write '{name}' in single quotes; `mlxk-rules probe MODEL` shows the facts"
        elif not help:
            help = (
                f"there is {', '.join(f'`{known}`' for known in list(fields)[:8])}"
                if fields
                else f"the policy has no {what}"
            )
        return self._report(node, f"unknown-{what.split()[0]}", f"unknown {what} `{full}`", help)

    def _named(self, section: str) -> Iterable[str]:
        """Return the names that a section of the policy has."""
        kind = (self.facts.fields or {}).get(section)
        return (kind.fields or {}) if kind is not None else ()

    def _subexpression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        first, *rest = node["children"]
        if first["type"] == "not_expression":
            path = {**node, "children": [first["children"][0], *rest], "start": first["children"][0]["start"]}
            count = len(self.findings)
            kind = self._infer(path, scope, known, root)
            del self.findings[count:]  # one problem at a time
            help = f"write `!({self._text(path)})`" if kind == BOOLEAN else f"write `!truthy({self._text(path)})`"
            message = f"`{self._text(node)}` negates only the first name, and is always null"
            return self._report(node, "negated-path", message, help)
        kind = self._infer(first, scope, known, root)
        path = path_of(first) or self._text(first)
        for step in rest:
            if kind.anything and self.findings and self._reported_in(first):
                return ANYTHING
            kind = self._step(step, kind, root, path) if step["type"] == "field" else self._infer(step, kind, NOTHING)
            path = f"{path}.{step['value']}" if step["type"] == "field" else path
            if root and path in known:
                kind = kind.without_null()
        return kind

    def _literal(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        return type_of(node["value"])

    def _current(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        if root:
            if self._text(node).startswith("*"):
                help = "a pattern is a text, as in `glob(model.files, '*.bin') != `[]``"
                return self._report(node, "whole-facts", "`*` stands for all facts at once", help)
            # Which facts are read must be told: one of them may be missing, or of the wrong type.
            return self._report(node, "whole-facts", "`@` is all facts at once", "name the fact, such as `model.type`")
        return scope

    _identity = _current

    def _not_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        child = node["children"][0]
        self._boolean(child, self._infer(child, scope, known, root), "what ! negates,")
        return BOOLEAN

    def _and_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        left, right = node["children"]
        self._boolean(left, self._infer(left, scope, known, root), "the left of &&,")
        proven = not_null_when(left, True) if root else NOTHING
        self._boolean(right, self._infer(right, scope, known | proven, root), "the right of &&,")
        return BOOLEAN

    def _or_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        left, right = node["children"]
        left_type = self._infer(left, scope, known, root)
        proven = not_null_when(left, False) if root else NOTHING
        right_type = self._infer(right, scope, known | proven, root)
        alike = "boolean" not in left_type.kinds and right_type.without_null().kinds <= left_type.kinds
        chosen = left_type.nullable or (alike and left["type"] != "literal")
        if chosen and not left_type.anything and not right_type.anything:
            # `maybe || default`: JMESPath's own way to stand something in for null, and for an empty text or list.
            return left_type.without_null().union(right_type)
        self._boolean(left, left_type, "the left of ||,")
        self._boolean(right, right_type, "the right of ||,")
        return BOOLEAN

    def _comparator(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        left, right = node["children"]
        left_type, right_type = (self._infer(child, scope, known, root) for child in (left, right))
        if self._reported_in(left) or self._reported_in(right):
            return BOOLEAN
        if node["value"] in ("eq", "ne"):
            self._equality(node, left, right, left_type, right_type)
        else:
            self._ordering(node, (left, left_type), (right, right_type))
        return BOOLEAN

    def _equality(self, node: Node, left: Node, right: Node, left_type: Type, right_type: Type) -> None:
        never = "always true" if node["value"] == "ne" else "never true"
        if not left_type.kinds & right_type.kinds:
            message = f"`{self._text(node)}` is {never}: {left_type} against {right_type}"
            self._report(node, "never-equal", message, "compare values of the same type")
            return
        for one, other in ((left_type, right_type), (right_type, left_type)):
            if one.values and other.values and not one.values & other.values and "null" not in one.kinds & other.kinds:
                word = next(iter(other.values))
                help = did_you_mean(word, one.values, quote="'") or f"it is one of {', '.join(sorted(one.values))}"
                self._report(node, "never-equal", f"`{self._text(node)}` is {never}", help)
                return
        if left_type.nullable and right_type.nullable and "literal" not in (left["type"], right["type"]):
            self._report(
                node,
                "both-null",
                f"`{self._text(node)}` compares two values that may both be missing, and holds when they are",
                f"guard it: `{self._text(left)} != `null` && {self._text(node)}`",
            )

    def _ordering(self, node: Node, *sides: tuple[Node, Type]) -> None:
        operator = _OPERATORS[node["value"]]
        for side, kind in sides:
            text = self._text(side)
            if kind.kinds == frozenset({"number"}):
                continue
            if kind.kinds == frozenset({"number", "null"}):
                help = f"guard it: `{text} != `null` && {self._text(node)}`"
                self._report(node, "maybe-null", f"`{text}` may be null, and {operator} then gives null", help)
            elif kind.anything:
                help = f"make it one: `(to_number({text}) || `0`)`"
                self._report(node, "not-ordered", f"{operator} takes numbers, `{text}` is anything", help)
            elif kind.kinds & {"string", "array"}:
                at_least = "at_least(version, '1.2')" if operator in (">", ">=") else "!(at_least(version, '1.2'))"
                help = f"compare versions with {at_least}, numbers without quotes"
                if side["type"] == "literal" and size_in_bytes(str(side["value"])) is not None:
                    help = f"write the size in back-quotes: `{side['value']}`"
                self._report(node, "not-ordered", f"{operator} takes numbers, `{text}` is {kind}", help)
            else:
                self._report(node, "not-ordered", f"{operator} takes numbers, `{text}` is {kind}", "name a number")
            return
