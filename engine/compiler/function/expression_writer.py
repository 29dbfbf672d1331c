"""Writes expressions over facts whose types were looked at beforehand: plain Python on local variables.

Beside those of compiler.expression_code it has shorter forms for what rules ask most: which files there are, which
keys an object has.
It notes what an expression needs: facts, derived facts, whole lists, and whether it may raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from os.path import commonprefix
from typing import Any

from ...facts.types import INTEGERS, STRINGS, Type
from ...language.expression import Node
from ...language.fact_paths import path_of
from ...language.function_code import percent
from ..expression_code import ARRAY, KINDS, NUMBER, STRING, Code, Kinds, Names, Writer
from .file_patterns import END, LINE, beginnings_of, ending_of, expression_of, has_signs, line_of, no_file
from .gate_order import terms_of

_MAX_UNROLLED = 8
_LEAST_COMMON = 6  # characters
# What never raises on values of the types that it takes. Arithmetic may: 10 ** 400 is a number, and no float.
_TOTAL = frozenset(
    (
        *("lower", "text", "has_text", "has_key", "truthy", "has_any", "shares", "any_ends_with", "true_keys", "glob"),
        *("type", "length", "contains", "starts_with", "ends_with", "not_null", "to_array", "keys", "values"),
    )
)


class Unsupported(Exception):
    """An expression reads what the fast way does not have: it is left to the exact one."""


class FastNames(Names):
    """How the fast way reads facts: from local variables `f0`, `f1`..., lists of files as one text `j0`, `j1`..."""

    def __init__(self, facts: Mapping[str, Type], limits: Mapping[str, Any], derived: Callable[[str], str]) -> None:
        super().__init__(())
        self.facts, self._limits, self._derived = facts, limits, derived
        self.numbers = {name: number for number, name in enumerate(facts)}
        self.sets: set[str] = set()
        self.read: set[str] = set()  # facts that the code written since `begin` reads

    def fact(self, path: str) -> str:
        first, _, rest = path.partition(".")
        if first in ("limits", "sets", "derived") and not rest:
            raise Unsupported(path)  # all of them at once
        if first == "limits":
            return repr(self._limits[rest])
        if first == "sets":
            self.sets.add(rest)
            return f"_list_{rest}"
        if first == "derived":
            name, _, rest = rest.partition(".")
            return _steps(self._derived(name), rest.split(".") if rest else [])
        name = self.fact_of(path)
        self.read.add(name)
        local = self.local(name)
        rest = path[len(name) + 1 :]
        if not rest:
            return local
        one, *more = rest.split(".")
        found = f"{local}.get({one!r})"
        return _steps(f"({found} if {local} is not None else None)" if self.facts[name].nullable else found, more)

    def local(self, name: str) -> str:
        """Return the name of a fact's variable."""
        return f"f{self.numbers[name]}"

    def text(self, name: str) -> str:
        """Return the name of the variable of a list of files as one text."""
        return f"j{self.numbers[name]}"

    def fact_of(self, path: str) -> str:
        """Return the fact that a path is, or is in. Raises Unsupported where it is several."""
        name = path
        while name not in self.facts:
            name, _, _ = name.rpartition(".")
            if not name:
                raise Unsupported(path)
        if name != path and "object" not in self.facts[name].kinds:
            raise Unsupported(path)
        return name

    def scope(self, paths: Iterable[str]) -> str:
        raise Unsupported("a scope")


def _steps(code: str, names: list[str]) -> str:
    for name in names:
        code = f"_field({code}, {name!r})"
    return code


class FastWriter(Writer):
    """See the module. After a `write`, `names.read`, `lines` and `whole` say what it needs, `risky` if it may raise."""

    def __init__(self, sets: Mapping[str, list[str]], names: FastNames) -> None:
        super().__init__(sets, names)
        self._facts, self._members = names, sets
        self.lines: set[str] = set()  # lists of files that are read as one text, `j0`...
        self.whole: set[str] = set()  # lists every element of which must be text
        self.risky = False
        self._patterns: dict[str, str] = {}

    def begin(self) -> None:
        """Forget what the code written so far needs."""
        self._facts.read, self.lines, self.whole, self.risky = set(), set(), set(), False

    def _function_expression(self, node: Node, here: Code | None) -> Code:
        code = super()._function_expression(node, here)
        if node["value"] not in _TOTAL or code.text.startswith(("_g_", "_call(", "_interpret(")):
            self.risky = True
        return code

    def _call_join(self, arguments: list[Node], codes: list[Code]) -> str:
        return f"{codes[0].text}.join({codes[1].text})"

    def _call_to_string(self, arguments: list[Node], codes: list[Code]) -> str | None:
        name = codes[0].text
        known = codes[0].kinds == NUMBER and name.isidentifier()
        return f"(repr({name}) if type({name}) is int else _f_to_string({name}))" if known else None

    def _call_percent(self, arguments: list[Node], codes: list[Code]) -> str | None:
        try:  # mostly a limit
            return repr(percent(float(codes[0].text)))
        except ValueError:
            return None

    def _comparator(self, node: Node, here: Code | None) -> Code:
        code = super()._comparator(node, here)
        if code.text.startswith(("_less(", "_at_most(", "_more(", "_no_less(")):
            self.risky = True
        return code

    def _strings(self, node: Node, here: Code | None) -> str | None:
        """Return the fact that a node is, where that is a list of text."""
        path = path_of(node) if here is None else None
        kind = self._facts.facts.get(path) if path is not None else None
        return path if kind == STRINGS else None

    def _elements(self, node: Node, here: Code | None) -> Kinds:
        path = self._strings(node, here)
        if path is not None:
            self.whole.add(path)
            return STRING
        kind = self._facts.facts.get(path_of(node) or "") if here is None else None
        return NUMBER if kind == INTEGERS else KINDS  # of these every one is looked at

    # --- shorter forms

    def _with_reference(self, node: Node, here: Code | None) -> Code:
        reference, numbers = node["children"][:2]
        each = reference["children"][0] if node["value"] == "map" and reference["type"] == "expref" else node
        spelt = each["type"] == "function_expression" and each["value"] == "to_string"
        if spelt and each["children"][0]["type"] == "current" and self._elements(numbers, here) == NUMBER:
            return Code(f"[*map(repr, {self.write(numbers, here).text})]", ARRAY)
        return super()._with_reference(node, here)

    def _compared(self, node: Node, here: Code | None, negated: bool) -> str | None:
        left, right = node["children"]
        if left["type"] == "function_expression" and left["value"] == "glob" and right["type"] == "literal":
            pattern = left["children"][1]
            if right["value"] == [] and pattern["type"] == "literal":
                code = self._some_file(left["children"][0], str(pattern["value"]), here)
                if code is not None:
                    return code if negated else f"(not {code})"
        return super()._compared(node, here, negated)

    def _and_expression(self, node: Node, here: Code | None) -> Code:
        code = super()._and_expression(node, here)
        asked = [no_file(term) for term in terms_of(node)]
        path = self._strings(asked[0][0], here) if asked[0] is not None else None
        endings = [ending_of(one[1]) for one in asked if one is not None and self._strings(one[0], here) == path]
        common = commonprefix([ending[::-1] for ending in endings])[::-1]  # noqa: RUF071 - of texts, and no paths
        if path is None or len(endings) < len(asked) or len(common) < _LEAST_COMMON:
            return code
        # Where no file has the ending that all of these names have, none of them is there.
        return Code(f"({common + END!r} not in {self._text_of(path)} or {code.text})", code.kinds)

    def _filter_projection(self, node: Node, here: Code | None) -> Code:
        code = super()._filter_projection(node, here)
        path = self._strings(node["children"][0], here)
        beginnings = beginnings_of(node["children"][2]) if path is not None else None
        if not beginnings or path is None or code.kinds != ARRAY or len(beginnings) > _MAX_UNROLLED:
            return code
        # Where no file begins so, no file is asked one by one.
        self.lines.add(path)
        lines = self._text_of(path)
        some = " or ".join(f"{LINE + beginning!r} in {lines}" for beginning in beginnings)
        return Code(f"({code.text} if {some} else [])", ARRAY)

    def _some_file(self, files: Node, pattern: str, here: Code | None) -> str | None:
        """Return the code of whether one of the files matches."""
        if (path := self._strings(files, here)) is not None:
            self.lines.add(path)
            self._facts.fact(path)
            return self._line(self._text_of(path), pattern)
        alone = files["type"] == "multi_select_list" and [child["type"] for child in files["children"]] == ["current"]
        return self._match(here.text, pattern) if alone and here is not None and here.kinds == STRING else None

    def _text_of(self, path: str) -> str:
        """Return the code of a list of files as one text, each in a line that begins with a slash."""
        text, files = self._facts.text(path), self._facts.local(path)
        return f"({text} or ({text} := f'\\n/{{_lines({files})}}\\n' if {files} else '\\n'))"

    def _line(self, lines: str, pattern: str) -> str | None:
        # A search in one text is much faster than a loop over many.
        folder, _, name = pattern.rpartition("/")
        if not has_signs(pattern):
            return f"({line_of(pattern)!r} in {lines})"
        if folder == "**" and not has_signs(name):
            return f"({f'/{name}{END}'!r} in {lines})"
        if folder == "**" and name.startswith("*") and not has_signs(name[1:]):
            return f"({name[1:] + END!r} in {lines})"
        expression = expression_of(pattern, r"/\n")
        if expression is None:
            return None
        search = f"({self._pattern(f'{LINE}{expression}{END}')}.search({lines}) is not None)"
        ending = ending_of(name)
        return f"({ending + END!r} in {lines} and {search})" if ending else search

    def _match(self, text: str, pattern: str) -> str | None:
        expression = expression_of(pattern, "/")
        if expression is None:
            return None
        beginning = re.split(r"[*?\[]", pattern)[0]
        match = f"({self._pattern(expression)}.fullmatch({text}) is not None)"
        return f"({text}.startswith({beginning!r}) and {match})" if beginning else match

    def _pattern(self, expression: str) -> str:
        if expression not in self._patterns:
            self._patterns[expression] = f"_r{len(self._patterns)}"
        return self._patterns[expression]

    @property
    def patterns(self) -> dict[str, str]:
        """The regular expressions that the code names."""
        return {name: expression for expression, name in self._patterns.items()}

    def _call_has_key(self, arguments: list[Node], codes: list[Code]) -> str | None:
        kinds, key = codes[0].kinds, codes[1].text
        if not kinds <= {"object", "null"}:
            return None
        if "null" not in kinds:
            return f"({key} in {codes[0].text})"
        if codes[0].text.isidentifier():
            return f"({codes[0].text} is not None and {key} in {codes[0].text})"
        return None

    def _call_has_any(self, arguments: list[Node], codes: list[Code]) -> str | None:
        path = path_of(arguments[1]) or ""
        members = self._members.get(path.removeprefix("sets.")) if path.startswith("sets.") else None
        if members is None or len(members) > _MAX_UNROLLED or not codes[0].kinds <= STRING | {"null"}:
            return None
        name = self.temporary()
        some = " or ".join(f"{member!r} in {name}" for member in members)
        return f"(({name} := {codes[0].text}) is not None and ({some}))"

    def _call_lower(self, arguments: list[Node], codes: list[Code]) -> str:
        text = codes[0].text
        if codes[0].kinds == STRING:
            return f"{text}.lower()"
        if text.isidentifier():
            return f"({text}.lower() if {text} is not None else None)"
        name = self.temporary()
        return f"({name}.lower() if ({name} := {text}) is not None else None)"

    def _call_text(self, arguments: list[Node], codes: list[Code]) -> str | None:
        known = super()._call_text(arguments, codes)
        if known is not None:
            return known
        name = self.temporary()
        return f"({name} if type({name} := {codes[0].text}) is str else '')"

    def _call_ratio(self, arguments: list[Node], codes: list[Code]) -> str | None:
        part, whole = codes
        if not (part.text.isidentifier() and whole.text.isidentifier()):
            return None
        some = f"{part.text} / {whole.text} if {whole.text} else None"
        return f"({some})" if "null" not in part.kinds else f"(None if {part.text} is None else {some})"

    def _call_at_least(self, arguments: list[Node], codes: list[Code]) -> str | None:
        minimum = arguments[1]
        parts = str(minimum["value"]).split(".") if minimum["type"] == "literal" else []
        if codes[0].kinds != ARRAY or not parts or not all(part.isdecimal() and len(part) < 5 for part in parts):
            return None
        version, minimum = codes[0].text, [int(part) for part in parts]
        if not version.isidentifier() or len(parts) > 3:
            return f"_at_least_parts({version}, {minimum})"
        # The usual one has three small numbers, and one of them decides: the first, or beside the minimum's the second.
        first = f"{version}[0] == {minimum[0]}" if len(minimum) == 2 else f"0 <= {version}[0] < 1000"
        small = " and ".join(f"0 <= {version}[{number}] < 1000" for number in (1, 2))
        holds = f"{version} >= {minimum}" if len(minimum) == 3 else f"{version}[{len(minimum) - 1}] >= {minimum[-1]}"
        usual = f"{holds} if len({version}) == 3 and {first} and {small}"
        return f"({usual} else _at_least_parts({version}, {minimum}))"
