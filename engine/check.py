"""The type check of an expression: every trap of JMESPath's that types can tell, found before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Problem, did_you_mean
from .expression import Expression, Node
from .functions import FUNCTIONS, Function
from .narrow import NOTHING, Paths, not_null_when, path_of
from .types import ANYTHING, ARRAY, BOOLEAN, NUMBER, STRING, Type, list_of, type_of

_LITERALS = {"true": "`true`", "false": "`false`", "null": "`null`", "none": "`null`"}
_REFERENCES = {"map": 0, "sort_by": 1, "max_by": 1, "min_by": 1}  # which argument is an expression reference
_SORTING = {"sort": 0, "max": 0, "min": 0, "sort_by": 1, "max_by": 1, "min_by": 1}  # which holds what is ordered
_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and the node it is in."""

    problem: Problem
    node: Node


@dataclass(slots=True)
class Checker:
    """Types one expression. `facts` is the type of all that it may name; `known` are paths proven not null."""

    expression: Expression
    facts: Type
    findings: list[Finding] = field(default_factory=list[Finding])

    def condition(self, known: Paths = NOTHING) -> list[Finding]:
        """Check that the expression is a condition: boolean and never null."""
        kind = self._infer(self.expression.node, self.facts, known, root=True)
        self._boolean(self.expression.node, kind, "the condition")
        return self.findings

    def value(self, known: Paths = NOTHING) -> tuple[Type, list[Finding]]:
        """Check an expression whose value is used; return its type."""
        return self._infer(self.expression.node, self.facts, known, root=True), self.findings

    # --- findings

    def _report(self, node: Node, code: str, message: str, help: str = "") -> Type:
        self.findings.append(Finding(Problem(code, message, help), node))
        return ANYTHING

    def _text(self, node: Node) -> str:
        return self.expression.source(node)

    def _boolean(self, node: Node, kind: Type, what: str) -> None:
        if kind == BOOLEAN or self._reported_in(node):
            return
        text = self._text(node)
        if kind == BOOLEAN.or_null():
            self._report(node, "maybe-null", f"{what} `{text}` may be null", f"write `{text} == `true``")
            return
        if node["type"] == "literal" and kind.kinds == STRING.kinds:
            help = f"say what is to equal it, such as `model.type == {text}`"
        elif kind.kinds == ARRAY.kinds:
            help = f"ask for its length: `length({text}) > `0``"
        elif kind.kinds <= {"object", "null"}:
            help = f"ask whether it is there: `{text} != `null``"
        elif kind.kinds <= {"string", "null"}:
            help = f"compare it: `{text} == '...'`"
        elif kind.kinds == NUMBER.kinds:
            help = f"compare it: `{text} > `0``"
        elif kind.kinds == NUMBER.or_null().kinds:
            help = f"compare it: `{text} != `null` && {text} > `0``"
        else:
            help = f"make it one: `truthy({text})`"
        self._report(node, "not-boolean", f"{what} `{text}` is {kind}, not boolean", help)

    def _reported_in(self, node: Node) -> bool:
        return any(node["start"] <= f.node["start"] and f.node["end"] <= node["end"] for f in self.findings)

    # --- inference

    def _infer(self, node: Node, scope: Type, known: Paths, root: bool = False) -> Type:
        """Return the type of `node` in `scope`; `root` where names are facts and not an element's fields."""
        kind: Type = getattr(self, f"_{node['type']}")(node, scope, known, root)
        node["boolean"] = kind.kinds == frozenset(
            {"boolean"}
        )  # the compiler's licence to use Python's own and, or, not
        return kind

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
            return scope.fields[name].or_null() if scope.nullable else scope.fields[name]
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
        if help and parent:
            help = help.replace("`", f"`{parent}.", 1)
        if not help and root and not parent:
            help = f"for text, write '{name}' in single quotes; `mlxk-rules probe MODEL` shows the facts"
        elif not help:
            help = (
                f"there is {', '.join(f'`{known}`' for known in list(fields)[:8])}"
                if fields
                else f"the policy has no {what}"
            )
        return self._report(node, f"unknown-{what.split()[0]}", f"unknown {what} `{full}`", help)

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
            # Which facts are read must be told: one of them may be missing, or of the wrong type.
            return self._report(node, "whole-facts", "`@` is all facts at once", "name the fact, such as `model.type`")
        return scope

    _identity = _current

    def _expref(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        return self._report(
            node, "bare-reference", "an expression reference stands alone", "delete the &; map() and sort_by() take one"
        )

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
                help = "compare versions with at_least(version, '1.2'), numbers without quotes"
                self._report(node, "not-ordered", f"{operator} takes numbers, `{text}` is {kind}", help)
            else:
                self._report(node, "not-ordered", f"{operator} takes numbers, `{text}` is {kind}", "name a number")
            return

    def _function_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        name, arguments = node["value"], node["children"]
        function = FUNCTIONS.get(name)
        types = self._arguments(name, arguments, scope, known, root)
        if function is None:
            help = did_you_mean(name, FUNCTIONS) or "the functions are in rules/LANGUAGE.md"
            return self._report(node, "unknown-function", f"unknown function `{name}()`", help)
        wanted = len(function.takes)
        if len(arguments) != wanted and not (function.variadic and len(arguments) > wanted):
            least = "at least " if function.variadic else ""
            message = f"`{name}()` takes {least}{wanted} argument{'s'[: wanted != 1]}, {len(arguments)} given"
            self._report(node, "arity", message, function.signature)
            return function.gives
        for position, (argument, kind) in enumerate(zip(arguments, types, strict=True)):
            if (argument["type"] == "expref") != (position == _REFERENCES.get(name)):
                self._reference(argument, function)
            elif not self._reported_in(argument):
                self._argument(argument, kind, function, function.takes[min(position, wanted - 1)])
        if not self._reported_in(node):
            self._agreeing(arguments, types, function)
        return _result(function, types)

    def _reference(self, node: Node, function: Function) -> None:
        if node["type"] == "expref":
            self._expref(node, ANYTHING, NOTHING, root=False)
        else:
            text = self._text(node)
            message = f"`{function.name}()` takes an expression reference, `{text}` is none"
            self._report(node, "type-mismatch", message, "write & before what is asked of each element: &length(@)")

    def _agreeing(self, arguments: list[Node], types: list[Type], function: Function) -> None:
        """Check what the single arguments' types do not tell: that the values agree with one another."""
        if function.name == "contains" and "string" in types[0].kinds and types[1].kinds != STRING.kinds:
            text, kind = self._text(arguments[1]), types[1]
            message = f"`contains()` looks for text in text, `{text}` is {kind}"
            if kind.kinds == STRING.or_null().kinds:
                self._report(arguments[1], "maybe-null", message, f"stand something in: `({text} || 'none')`")
            else:
                help = "write it in single quotes" if arguments[1]["type"] == "literal" else f"write `text({text})`"
                self._report(arguments[1], "type-mismatch", message, help)
        elif function.name in _SORTING:
            items = types[_SORTING[function.name]].item
            if items is None or items.kinds not in (NUMBER.kinds, STRING.kinds):
                message = f"`{function.name}()` orders numbers, or text, and these are {items or 'anything'}"
                self._report(arguments[0], "not-ordered", message, "order a list of one kind")

    def _arguments(self, name: str, arguments: list[Node], scope: Type, known: Paths, root: bool) -> list[Type]:
        plain = {id(a): self._infer(a, scope, known, root) for a in arguments if a["type"] != "expref"}
        # An expression reference is evaluated over the elements of the list beside it.
        items = [kind.item or ANYTHING for kind in plain.values() if "array" in kind.kinds]
        item = items[0] if items else ANYTHING
        inner = {id(a): self._infer(a["children"][0], item, NOTHING) for a in arguments if a["type"] == "expref"}
        return [plain[id(a)] if id(a) in plain else list_of(inner[id(a)]) for a in arguments]

    def _argument(self, node: Node, kind: Type, function: Function, wanted: Type) -> None:
        text = self._text(node)
        if not kind.kinds <= wanted.kinds:
            message = f"`{function.name}()` takes {wanted}, `{text}` is {kind}"
            if kind.anything and "string" in wanted.kinds:
                self._report(node, "type-mismatch", message, f"write `text({text})`, which is '' for what is no text")
            elif kind.without_null().kinds <= wanted.kinds:
                help = f"guard it with `{text} != `null` && ...`, or stand something in: `({text} || '')`"
                self._report(node, "maybe-null", f"`{function.name}()` takes {wanted}, `{text}` may be null", help)
            else:
                self._report(node, "type-mismatch", message, function.signature)
            return
        if "array" not in kind.kinds or wanted.item is None or "array" not in wanted.kinds:
            return
        if kind.item is None or not kind.item.kinds <= wanted.item.kinds:
            message = f"`{function.name}()` takes {wanted}, `{text}` is {kind}"
            if kind.item is not None and kind.item.without_null().kinds <= wanted.item.kinds:
                self._report(node, "maybe-null", message, f"leave out what is null: `{text}[*]`")
            else:
                self._report(node, "type-mismatch", message, function.signature)

    # --- lists and objects

    def _index_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        kind = self._infer(node["children"][0], scope, known, root)
        for step in node["children"][1:]:
            if "array" not in kind.kinds:
                message = f"`{self._text(node['children'][0])}` is {kind}, not a list"
                return self._report(node, "no-elements", message, "only lists have elements")
            if step["type"] == "slice" and step["children"][2] == 0:
                return self._report(node, "bad-slice", "a slice whose step is 0 has no elements", "write another step")
            kind = kind if step["type"] == "slice" else (kind.item or ANYTHING).or_null()
        return kind

    def _index(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        return (scope.item or ANYTHING).or_null()

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


def _result(function: Function, types: list[Type]) -> Type:
    if function.name == "lower" and not types[0].nullable:
        return types[0].union(Type(types[0].kinds))
    if function.name == "not_null":
        result = types[0]
        for kind in types[1:]:
            result = result.without_null().union(kind) if result.nullable else result
        return result
    if function.name in ("max", "min") and types[0].item is not None:
        return types[0].item.or_null()
    if function.name in ("sort", "sort_by", "reverse"):
        return types[0]
    if function.name == "map":
        return types[0]
    return function.gives
