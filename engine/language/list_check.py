"""The type check of lists and objects: elements, slices, projections, filters, pipes and multi-selects."""

from __future__ import annotations

from ..facts.types import ANYTHING, ARRAY, BOOLEAN, Type, list_of
from .expression import Node
from .not_null import NOTHING, Paths
from .type_findings import Findings


class ListCheck(Findings):
    """Types what reads elements of lists, and what makes lists and objects."""

    def _index_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        kind = self._infer(node["children"][0], scope, known, root)
        for step in node["children"][1:]:
            if "array" not in kind.kinds:
                message = f"`{self._text(node['children'][0])}` is {kind}, not a list"
                return self._report(node, "no-elements", message, "only lists have elements")
            if step["type"] == "slice" and step["children"][2] == 0:
                return self._report(node, "bad-slice", "a slice whose step is 0 has no elements", "write another step")
            kind = kind if step["type"] == "slice" else kind.element.or_null()
        return kind

    def _index(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        return scope.element.or_null()

    def _slice(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        return scope

    def _elements(self, node: Node, kind: Type) -> Type | None:
        if "array" not in kind.kinds:
            self._report(node, "no-elements", f"`{self._text(node)}` is {kind}, not a list", "only lists have elements")
            return None
        return kind.item or ANYTHING

    def _projected(self, base: Type, item: Type) -> Type:
        result = list_of(item.without_null())
        return result if base.kinds == frozenset({"array"}) else result.or_null()

    def _projection(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        base = self._infer(node["children"][0], scope, known, root)
        item = self._elements(node["children"][0], base)
        return ANYTHING if item is None else self._projected(base, self._infer(node["children"][1], item, NOTHING))

    def _filter_projection(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        left, right, condition = node["children"]
        base = self._infer(left, scope, known, root)
        item = self._elements(left, base)
        if item is None:
            return ANYTHING
        self._boolean(condition, self._infer(condition, item, NOTHING), "the filter")
        return self._projected(base, self._infer(right, item, NOTHING))

    def _value_projection(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        self._infer(node["children"][0], scope, known, root)
        self._infer(node["children"][1], ANYTHING, NOTHING)
        return ARRAY.or_null()

    def _flatten(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        base = self._infer(node["children"][0], scope, known, root)
        item = self._elements(node["children"][0], base)
        inner = item.item if item is not None and item.kinds == frozenset({"array"}) and item.item else item
        return ANYTHING if inner is None else Type(base.kinds, item=inner)

    def _pipe(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        left, right = node["children"]
        kind = self._infer(left, scope, known, root)
        if kind.kinds == BOOLEAN.kinds:
            return self._report(node, "piped-boolean", "a single | hands the left side on, and is no `or`", "write ||")
        return self._infer(right, kind, NOTHING)

    def _multi_select_list(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        types = [self._infer(child, scope, known, root) for child in node["children"]]
        item = types[0]
        for kind in types[1:]:
            item = item.union(kind)
        return list_of(item).or_null() if scope.nullable else list_of(item)

    def _multi_select_dict(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        fields = {pair["value"]: self._infer(pair["children"][0], scope, known, root) for pair in node["children"]}
        return Type(frozenset({"object", "null"} if scope.nullable else {"object"}), fields=fields)
