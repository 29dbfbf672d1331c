"""Compiles checked expressions into Python functions of the facts.

Exact against jmespath's interpreter for expressions that passed the type check: that check is what lets `&&`, `||` and
`!` become Python's own. What is not covered here (projections, filters, pipes, slices, expression references) runs in
jmespath's interpreter. Generated code holds a policy's text only through repr of checked plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from jmespath.visitor import Options, TreeInterpreter

from .expression import Node
from .functions import FUNCTIONS, RuleFunctions
from .narrow import path_of

Scope = dict[str, Any]
Evaluate = Callable[[Scope], Any]

_functions = RuleFunctions()
_interpreter: Any = TreeInterpreter(Options(custom_functions=_functions))
_ORDER = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def interpret(node: Node, value: Any) -> Any:
    """Return the value of `node` over `value` by jmespath's own interpreter with this project's functions."""
    return _interpreter.visit(node, value)


def _field(value: Any, name: str) -> Any:
    return value.get(name) if type(value) is dict else None


def _equal(left: Any, right: Any) -> bool:
    # JMESPath's: true is not 1, false is not 0.
    if (left is True or left is False or right is True or right is False) and type(left) is not type(right):
        return False
    return left == right


def _default(value: Any, other: Callable[[], Any]) -> Any:
    false = value is None or value is False or value == "" or value == [] or value == {}
    return other() if false else value


def _member(value: Any, members: frozenset[str]) -> bool:
    return type(value) is str and value in members


class Compiler:
    """Collects the functions of one policy. `sets`: the policy's sets, which `contains` looks up by hash.

    sections: dotted paths of fact objects that are always there, so that generated code may subscript them.
    """

    def __init__(self, sets: Mapping[str, Collection[str]], sections: Collection[str]) -> None:
        self._sections = frozenset(sections)
        self._names: dict[str, Any] = {
            "_field": _field,
            "_equal": _equal,
            "_default": _default,
            "_member": _member,
            "_call": _functions.call_function,
            "_interpret": interpret,
            **{f"_f_{name}": f.run for name, f in FUNCTIONS.items() if f.run is not None},
        }
        self._sets = {name: f"_set{number}" for number, name in enumerate(sets)}
        self._names.update({self._sets[name]: frozenset(members) for name, members in sets.items()})
        self._lines: list[str] = []

    def add(self, node: Node) -> int:
        """Compile `node`; return the number by which `finish` gives its function."""
        number = len(self._lines)
        self._lines.append(f"def _e{number}(s): return {self._code(node)}")
        return number

    def finish(self) -> list[Evaluate]:
        """Return the functions of all added expressions, in order."""
        exec(compile("\n".join(self._lines), "<policy>", "exec"), self._names)
        return [self._names[f"_e{number}"] for number in range(len(self._lines))]

    def _constant(self, value: Any) -> str:
        name = f"_c{len(self._names)}"
        self._names[name] = value
        return name

    def _code(self, node: Node) -> str:
        method = getattr(self, f"_{node['type']}", None)
        return method(node) if method is not None else f"_interpret({self._constant(node)}, s)"

    def _field(self, node: Node) -> str:
        return f"s[{node['value']!r}]"

    def _subexpression(self, node: Node) -> str:
        if path_of(node) is None:
            return f"_interpret({self._constant(node)}, s)"
        code, walked = "", ""
        for name in (path_of(node) or "").split("."):
            if not walked:
                code = f"s[{name!r}]"
            elif walked in self._sections:
                code = f"{code}[{name!r}]"
            else:
                code = f"_field({code}, {name!r})"
            walked = f"{walked}.{name}" if walked else name
        return code

    def _literal(self, node: Node) -> str:
        value = node["value"]
        plain = value is None or type(value) in (str, bool) or (type(value) in (int, float) and abs(value) < 1e300)
        return f"({value!r})" if plain else self._constant(value)

    def _comparator(self, node: Node) -> str:
        left, right = node["children"]
        first, second = self._code(left), self._code(right)
        if node["value"] in _ORDER:
            return f"({first} {_ORDER[node['value']]} {second})"
        negated = node["value"] == "ne"
        for one, other in ((left, second), (right, first)):
            if one["type"] == "literal" and one["value"] is None:
                return f"({other} is {'not ' if negated else ''}None)"
            if one["type"] == "literal" and type(one["value"]) is str:
                return f"({first} {'!=' if negated else '=='} {second})"
        return f"({'not ' if negated else ''}_equal({first}, {second}))"

    def _and_expression(self, node: Node) -> str:
        return f"({' and '.join(self._code(child) for child in node['children'])})"

    def _or_expression(self, node: Node) -> str:
        left, right = node["children"]
        if left.get("boolean"):  # stamped by the type check
            return f"({self._code(left)} or {self._code(right)})"
        return f"_default({self._code(left)}, lambda: {self._code(right)})"

    def _not_expression(self, node: Node) -> str:
        return f"(not {self._code(node['children'][0])})"

    def _function_expression(self, node: Node) -> str:
        name, arguments = node["value"], node["children"]
        function = FUNCTIONS[name]
        if any(argument["type"] == "expref" for argument in arguments):
            return f"_interpret({self._constant(node)}, s)"
        if name == "contains":
            path = path_of(arguments[0]) or ""
            if path.startswith("sets.") and path[5:] in self._sets:
                return f"_member({self._code(arguments[1])}, {self._sets[path[5:]]})"
        codes = ", ".join(self._code(argument) for argument in arguments)
        if function.run is not None:
            return f"_f_{name}({codes})"
        return f"_call({name!r}, [{codes}])"

    def _multi_select_dict(self, node: Node) -> str:
        pairs = (f"{pair['value']!r}: {self._code(pair['children'][0])}" for pair in node["children"])
        return f"{{{', '.join(pairs)}}}"
