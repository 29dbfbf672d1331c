"""The type check of function calls: how many arguments, of which types, and whether they agree with one another."""

from __future__ import annotations

from collections.abc import Mapping

from ..facts.types import ANYTHING, NUMBER, STRING, Type, list_of
from ..problems import did_you_mean, nearest
from .expression import Node
from .functions import FUNCTIONS, Function
from .not_null import NOTHING, Paths
from .other_languages import FUNCTIONS_MEANT
from .type_findings import Findings

_REFERENCES = {"map": 0, "sort_by": 1, "max_by": 1, "min_by": 1}  # which argument is an expression reference
_SORTING = {"sort": 0, "max": 0, "min": 0, "sort_by": 1, "max_by": 1, "min_by": 1}  # which holds what is ordered


class CallCheck(Findings):
    """Types calls."""

    def _function_expression(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        name, arguments = node["value"], node["children"]
        function = FUNCTIONS.get(name)
        types = self._arguments(name, arguments, scope, known, root)
        if function is None:
            help = (
                FUNCTIONS_MEANT.get(name.lower())
                or did_you_mean(name, FUNCTIONS)
                or "the functions are in rules/LANGUAGE.md"
            )
            if self.expression.text[: node["start"]].endswith("."):  # as other languages call a method
                meant = nearest(name, FUNCTIONS)
                help = f"write it around the value: {FUNCTIONS[meant].signature}" if meant else help
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

    def _expref(self, node: Node, scope: Type, known: Paths, root: bool) -> Type:
        return self._report(
            node, "bare-reference", "an expression reference stands alone", "delete the &; map() and sort_by() take one"
        )

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


def _result(function: Function, types: list[Type]) -> Type:
    if function.name == "lower" and not types[0].nullable:
        return types[0].union(Type(types[0].kinds))
    if function.name == "not_null":
        result = types[0]
        for kind in types[1:]:
            result = result.without_null().union(kind) if result.nullable else result
        return result
    if function.name == "look_up" and types[0].fields:
        return _looked_up(types[0].fields, types[1])
    if function.name in ("max", "min") and types[0].item is not None:
        return types[0].element.or_null()
    if function.name in ("sort", "sort_by", "reverse"):
        return types[0]
    if function.name == "map":
        return types[0]
    return function.gives


def _looked_up(fields: Mapping[str, Type], key: Type) -> Type:
    """Return the type of the value under a key: of the fields that it may name, and null where it may name none."""
    names = fields.keys() if key.values is None else fields.keys() & key.values
    kinds = [fields[name] for name in sorted(names)]
    if not kinds:
        return ANYTHING
    found = kinds[0]
    for kind in kinds[1:]:
        found = found.union(kind)
    certain = key.values is not None and key.values <= fields.keys() and not key.nullable
    return found if certain else found.or_null()
