"""Compiles expressions to Python: the whole JMESPath grammar, exact against jmespath's interpreter, errors too.

The type check stamps nodes with the kinds that their values can have (`node["kinds"]`), where that is sure. There
Python's own operators do; elsewhere language.operators and guarded functions take care of what JMESPath says of other
kinds. sort_by, min_by and max_by alone run in jmespath's interpreter. Generated code holds a policy's text only through
repr of checked plain values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from ..facts.types import KINDS, kind_of
from ..language import operators
from ..language.expression import Node
from ..language.fact_paths import path_of, paths_in
from ..language.function_code import OURS, THEIRS
from ..language.functions import FUNCTIONS
from .code_names import namespace
from .program import Guard

Scope = dict[str, Any]
Evaluate = Callable[[Scope], Any]
Kinds = frozenset[str]

BOOLEAN, NUMBER, STRING, ARRAY = (frozenset({kind}) for kind in ("boolean", "number", "string", "array"))
_ORDER = {"lt": ("<", "_less"), "lte": ("<=", "_at_most"), "gt": (">", "_more"), "gte": (">=", "_no_less")}
_BY = frozenset({"sort_by", "min_by", "max_by"})
_NUMBER_OR_NULL = frozenset(("number", "null"))
_SIMPLE = frozenset(("boolean", "null"))


_OWN_TYPES = {"string": "str", "boolean": "bool", "array": "list", "object": "dict"}
# Of numbers, which give one: of what is beyond all numbers, null.
_NULL_UNLESS_FINITE = ("abs", "sum")
_NATIVE = OURS.keys() | THEIRS.keys()


def digest(text: str) -> int:
    """Return the number, of 63 bits, by which a text is known."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


class Code(NamedTuple):
    """A piece of generated code, and the kinds that its value can have."""

    text: str
    kinds: Kinds = KINDS


_ROOT = Code("s")


class Names:
    """How generated code reads facts: from the scope `s`, a dict of dicts."""

    def __init__(self, sections: Collection[str]) -> None:
        """sections: dotted paths of objects that are always there, so that generated code may subscript them."""
        self._sections = frozenset(sections)

    def fact(self, path: str) -> str:
        """Return the code that reads a dotted path."""
        code, walked = "", ""
        for name in path.split("."):
            if not walked:
                code = f"s[{name!r}]"
            elif walked in self._sections:
                code = f"{code}[{name!r}]"
            else:
                code = f"_field({code}, {name!r})"
            walked = f"{walked}.{name}" if walked else name
        return code

    def scope(self, paths: Iterable[str]) -> str:
        """Return the code of a scope that holds what stands at `paths`."""
        return "s"


class Writer:
    """Writes expressions as Python. `constants` collects what the code names beside engine.runtime."""

    def __init__(self, sets: Mapping[str, Collection[str]], names: Names | None) -> None:
        """sets: the policy's, looked up by hash. names: how facts are read; None: `s` is any JSON value."""
        self._names = names
        self._sets = {name: f"_set_{name}" for name in sets}
        self.constants: dict[str, Any] = {self._sets[name]: frozenset(members) for name, members in sets.items()}
        self.guards: dict[str, Guard] = {}
        self.temporaries = 0

    def write(self, node: Node, here: Code | None = None) -> Code:
        """Return `node` as code. `here`: what `@` is, in code that may stand twice; None at an expression's root."""
        if here is None and self._names is None:
            here = _ROOT
        return getattr(self, f"_{node['type']}")(node, here)

    def temporary(self) -> str:
        """Return a name of its own for a value that the code needs twice."""
        self.temporaries += 1
        return f"t{self.temporaries}"

    def constant(self, value: Any) -> str:
        """Return the name of a constant, which is of what it is: the same expression is the same code in any policy."""
        name = f"_c{digest(json.dumps(value, sort_keys=True, default=_plain)):016x}"
        self.constants[name] = value
        return name

    # --- names and chains

    def _sure(self, node: Node, here: Code | None) -> Kinds:
        # What the type check says of facts holds; what it says of their elements, as far as they were looked at.
        return node.get("kinds", KINDS) if here is None else KINDS

    def _field(self, node: Node, here: Code | None) -> Code:
        if here is None and self._names is not None:
            return Code(self._names.fact(node["value"]), self._sure(node, here))
        return Code(f"_field({(here or _ROOT).text}, {node['value']!r})")

    def _subexpression(self, node: Node, here: Code | None) -> Code:
        path = path_of(node) if here is None else None
        if path is not None and self._names is not None:
            return Code(self._names.fact(path), self._sure(node, here))
        return self._chain(node, here)

    def _chain(self, node: Node, here: Code | None) -> Code:
        first, *rest = node["children"]
        code = self.write(first, here)
        for step in rest:
            if step["type"] == "field":
                code = Code(f"_field({code.text}, {step['value']!r})")
            elif step["type"] == "index":
                code = Code(f"_index({code.text}, {step['value']!r})")
            elif step["type"] == "slice":
                code = Code(f"_sliced({code.text}, {', '.join(map(repr, step['children']))})")
            else:
                name = self.temporary()
                code = Code(f"({name} := {code.text}, {self.write(step, Code(name, code.kinds)).text})[1]")
        return code

    _index_expression = _pipe = _chain

    def _index(self, node: Node, here: Code | None) -> Code:
        return Code(f"_index({self._current(node, here).text}, {node['value']!r})")

    def _slice(self, node: Node, here: Code | None) -> Code:
        return Code(f"_sliced({self._current(node, here).text}, {', '.join(map(repr, node['children']))})")

    def _current(self, node: Node, here: Code | None) -> Code:
        if here is not None:
            return here
        return Code(self._names.scope(()) if self._names is not None else "s")

    _identity = _current

    def _literal(self, node: Node, here: Code | None) -> Code:
        value = node["value"]
        kinds = frozenset({kind_of(value)})
        plain = value is None or type(value) in (str, bool) or (type(value) in (int, float) and abs(value) < 1e300)
        return Code(f"({value!r})" if plain else self.constant(value), kinds)

    # --- operators

    def _comparator(self, node: Node, here: Code | None) -> Code:
        left, right = node["children"]
        negated = node["value"] == "ne"
        if node["value"] not in _ORDER and (special := self._compared(node, here, negated)) is not None:
            return Code(special, BOOLEAN)
        first, second = self.write(left, here), self.write(right, here)
        if node["value"] in _ORDER:
            sign, careful = _ORDER[node["value"]]
            if first.kinds == second.kinds == NUMBER:
                return Code(f"({first.text} {sign} {second.text})", BOOLEAN)
            return Code(f"{careful}({first.text}, {second.text})", _SIMPLE)
        if left["type"] == right["type"] == "literal":
            return Code(repr(operators.equal(left["value"], right["value"]) is not negated), BOOLEAN)
        for one, other in ((left, second), (right, first)):
            if one["type"] == "literal" and type(one["value"]) in (type(None), bool):
                return Code(f"({other.text} is {'not ' if negated else ''}{one['value']})", BOOLEAN)
            if one["type"] == "literal" and one["value"] == [] and other.kinds == ARRAY:
                return Code(f"({'not not' if negated else 'not'} {other.text})", BOOLEAN)
        # Python takes true for 1: only where the one may be a boolean and the other a number must one look closer.
        if any("boolean" in one.kinds and "number" in other.kinds for one, other in ((first, second), (second, first))):
            return Code(f"({'not ' if negated else ''}_equal({first.text}, {second.text}))", BOOLEAN)
        return Code(f"({first.text} {'!=' if negated else '=='} {second.text})", BOOLEAN)

    def _compared(self, node: Node, here: Code | None, negated: bool) -> str | None:
        """Return the code of a comparison that has a shorter one: `type(x) == 'object'`."""
        left, right = node["children"]
        if left["type"] != "function_expression" or left["value"] != "type" or len(left["children"]) != 1:
            return None
        if right["type"] != "literal" or right["value"] not in _OWN_TYPES or left["children"][0]["type"] == "expref":
            return None
        code = self.write(left["children"][0], here)
        return f"(type({code.text}) is {'not ' if negated else ''}{_OWN_TYPES[right['value']]})"

    def _logical(self, node: Node, here: Code | None, word: str) -> Code:
        left, right = (self.write(child, here) for child in node["children"])
        kinds = (left.kinds - {"null"} if word == "or" else left.kinds) | right.kinds
        if "number" not in left.kinds:  # then what is false is the same in Python
            return Code(f"({left.text} {word} {right.text})", kinds)
        name = self.temporary()
        if word == "or" and left.kinds <= _NUMBER_OR_NULL:
            return Code(f"({name} if ({name} := {left.text}) is not None else {right.text})", kinds)
        first, second = (right.text, name) if word == "or" else (name, right.text)
        return Code(f"({first} if _false({name} := {left.text}) else {second})", kinds)

    def _and_expression(self, node: Node, here: Code | None) -> Code:
        return self._logical(node, here, "and")

    def _or_expression(self, node: Node, here: Code | None) -> Code:
        return self._logical(node, here, "or")

    def _not_expression(self, node: Node, here: Code | None) -> Code:
        code = self.write(node["children"][0], here)
        return Code(f"(not {code.text})" if "number" not in code.kinds else f"_false({code.text})", BOOLEAN)

    # --- lists and objects

    def _multi_select_list(self, node: Node, here: Code | None) -> Code:
        parts = [self.write(child, here) for child in node["children"]]
        return self._of_no_null(f"[{', '.join(part.text for part in parts)}]", "array", here)

    def _multi_select_dict(self, node: Node, here: Code | None) -> Code:
        pairs = (f"{pair['value']!r}: {self.write(pair['children'][0], here).text}" for pair in node["children"])
        return self._of_no_null(f"{{{', '.join(pairs)}}}", "object", here)

    def _of_no_null(self, text: str, kind: str, here: Code | None) -> Code:
        if here is None or "null" not in here.kinds:
            return Code(text, frozenset({kind}))
        return Code(f"(None if {here.text} is None else {text})", frozenset({kind, "null"}))

    def _projection(self, node: Node, here: Code | None) -> Code:
        left, right = node["children"]
        return self._projected(self.write(left, here), right, None, self._elements(left, here))

    def _filter_projection(self, node: Node, here: Code | None) -> Code:
        left, right, condition = node["children"]
        return self._projected(self.write(left, here), right, condition, self._elements(left, here))

    def _value_projection(self, node: Node, here: Code | None) -> Code:
        left, right = node["children"]
        name = self.temporary()
        values = Code(f"list({name}.values()) if type({name} := {self.write(left, here).text}) is dict else None")
        return self._projected(Code(f"({values.text})"), right, None)

    def _elements(self, node: Node, here: Code | None) -> Kinds:
        """Return the kinds of a list's elements, as far as that is sure."""
        return KINDS

    def _projected(self, base: Code, right: Node, condition: Node | None, elements: Kinds = KINDS) -> Code:
        # The list is bound before its comprehension begins: there Python allows no assignment.
        whole, element = self.temporary(), self.temporary()
        here = Code(element, elements)
        tests: list[str] = []
        if condition is not None:
            test = self.write(condition, here)
            tests.append(test.text if "number" not in test.kinds else f"not _false({test.text})")
        if right["type"] in ("identity", "current"):
            result = element
            tests += [f"{element} is not None"] if "null" in elements else []
        else:
            result = self.temporary()
            tests.append(f"({result} := {self.write(right, here).text}) is not None")
        tested = f" if {' and '.join(tests)}" if tests else ""
        made = f"[{result} for {element} in {whole}{tested}]"
        if base.kinds == ARRAY:
            return Code(f"({whole} := {base.text}, {made})[1]", ARRAY)
        return Code(f"({made} if type({whole} := {base.text}) is list else None)", ARRAY | {"null"})

    def _flatten(self, node: Node, here: Code | None) -> Code:
        return Code(f"_flatten({self.write(node['children'][0], here).text})", ARRAY | {"null"})

    # --- functions

    def _function_expression(self, node: Node, here: Code | None) -> Code:
        name, arguments = node["value"], node["children"]
        function = FUNCTIONS.get(name)
        if name in _BY or any(a["type"] == "expref" for a in arguments):
            return self._with_reference(node, here)
        codes = [self.write(argument, here) for argument in arguments]
        texts = ", ".join(code.text for code in codes)
        if function is None or name not in _NATIVE or not self._right_number(function, codes):
            return Code(f"_call({name!r}, [{texts}])")
        takes = [function.takes[min(number, len(function.takes) - 1)].kinds for number in range(len(codes))]
        gives = function.gives.kinds if not function.gives.anything else KINDS
        gives = gives | {"null"} if name in _NULL_UNLESS_FINITE else gives
        if all(code.kinds <= accepted for code, accepted in zip(codes, takes, strict=True)):
            special = getattr(self, f"_call_{name}", None)
            text = special(arguments, codes) if special is not None else None
            if name == "lower" and codes[0].kinds == STRING:
                return Code(f"{codes[0].text}.lower()", STRING)
            return Code(text or f"_f_{name}({texts})", gives)
        guard = f"_g_{name}{len(codes) if function.variadic else ''}"
        self.guards[guard] = name, tuple(takes)
        return Code(f"{guard}({texts})", gives)

    def _right_number(self, function: Any, codes: list[Code]) -> bool:
        wanted = len(function.takes)
        return len(codes) == wanted or (function.variadic and len(codes) > wanted)

    def _with_reference(self, node: Node, here: Code | None) -> Code:
        name, arguments = node["value"], node["children"]
        if (
            name == "map"
            and len(arguments) == 2
            and arguments[0]["type"] == "expref"
            and arguments[1]["type"] != "expref"
        ):
            whole, element = self.temporary(), self.temporary()
            base = self.write(arguments[1], here)
            if base.kinds == ARRAY:
                kinds = self._elements(arguments[1], here)
                each = self.write(arguments[0]["children"][0], Code(element, kinds))
                return Code(f"({whole} := {base.text}, [{each.text} for {element} in {whole}])[1]", ARRAY)
        free = here is None and self._names is not None
        scope = self._names.scope(paths_in(node)) if free and self._names is not None else (here or _ROOT).text
        return Code(f"_interpret({self.constant(_bare(node))}, {scope})")

    def _call_contains(self, arguments: list[Node], codes: list[Code]) -> str | None:
        path = path_of(arguments[0]) or ""
        if path.startswith("sets.") and path[5:] in self._sets and self._names is not None:
            if codes[1].kinds <= _HASHABLE:
                return f"({codes[1].text} in {self._sets[path[5:]]})"
            name = self.temporary()
            return f"(type({name} := {codes[1].text}) is str and {name} in {self._sets[path[5:]]})"
        # Python asks the right side first: only where that cannot fail is it the same.
        harmless = path or "literal" in (arguments[0]["type"], arguments[1]["type"])
        return f"({codes[1].text} in {codes[0].text})" if harmless else None

    def _call_length(self, arguments: list[Node], codes: list[Code]) -> str:
        return f"len({codes[0].text})"

    def _call_truthy(self, arguments: list[Node], codes: list[Code]) -> str:
        return f"(not not {codes[0].text})"

    def _call_text(self, arguments: list[Node], codes: list[Code]) -> str | None:
        if codes[0].kinds <= STRING | {"null"}:
            return f"({codes[0].text} or '')"
        return None

    def _call_starts_with(self, arguments: list[Node], codes: list[Code]) -> str:
        return f"{codes[0].text}.startswith({codes[1].text})"

    def _call_ends_with(self, arguments: list[Node], codes: list[Code]) -> str:
        return f"{codes[0].text}.endswith({codes[1].text})"


def _plain(value: Any) -> Any:
    """Return what JSON has no word for: a set, or what jmespath makes of an expression that is handed on."""
    return getattr(value, "expression", None) or sorted(value)


def _bare(node: Node) -> Node:
    """Return a node as the interpreter reads it, without what else was found out of it."""
    # A slice's children are numbers.
    children = [_bare(child) if isinstance(child, dict) else child for child in node.get("children", ())]
    bare: Node = {"type": node["type"], "children": children}
    return bare | {"value": node["value"]} if "value" in node else bare


_HASHABLE = frozenset({"string", "null", "boolean", "number"})


class Compiler:
    """Collects the functions of one policy, each over a scope: facts, `sets`, `limits` and `derived`."""

    def __init__(self, sets: Mapping[str, Collection[str]], sections: Collection[str] | None) -> None:
        """sets: the policy's. sections: paths of objects that are always there; None: the scope is any JSON value."""
        self._writer = Writer(sets, None if sections is None else Names(sections))
        self._lines: list[str] = []

    def add(self, node: Node) -> int:
        """Compile `node`; return the number by which `finish` gives its function."""
        self._lines.append(f"def _e{len(self._lines)}(s): return {self._writer.write(node).text}")
        return len(self._lines) - 1

    def finish(self) -> list[Evaluate]:
        """Return the functions of all added expressions, in order."""
        names = namespace(self._writer.constants, self._writer.guards)
        exec(compile("\n".join(self._lines), "<policy>", "exec"), names)
        return [names[f"_e{number}"] for number in range(len(self._lines))]
