"""What conditions ask of each fact: which texts, numbers, versions and patterns they tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from ...language.expression import Node
from ...language.fact_paths import path_of
from .formula import Atom
from .text_kinds import Question

ELEMENT = "[]"  # what a list's elements are called behind its path
MAX_GROUPS = 8  # groups of parts of one text, all of whose combinations are looked at
_SILENT = {
    "truthy",
    "type",
    "text",
    "lower",
    "has_text",
    "has_key",
    "length",
    "to_string",
    "size",
    "percent",
    "not_null",
}
_PLAIN = {"field", "subexpression", "literal", "current", "identity"}


@dataclass(slots=True)
class Asked:
    """All that is asked of one fact. doubts: questions whose every answer may not be represented."""

    texts: set[str] = field(default_factory=set[str])
    lowered: set[str] = field(default_factory=set[str])
    questions: set[Question] = field(default_factory=set[Question])
    groups: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])  # whether any of these is a part of it
    numbers: set[float] = field(default_factory=set[float])
    versions: set[str] = field(default_factory=set[str])
    others: list[Any] = field(default_factory=list[Any])
    converted: set[str] = field(
        default_factory=set[str]
    )  # to_number, to_string: numbers and texts stand for each other
    doubts: set[str] = field(default_factory=set[str])

    def equals(self, value: Any, lowered: bool) -> None:
        if isinstance(value, str):
            (self.lowered if lowered else self.texts).add(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.add(value)
        elif isinstance(value, list | dict) and value and value not in self.others:
            self.others.append(value)

    def take_apart(self, anyway: bool) -> None:
        """Ask of each text of the groups alone, where something else is asked that has to do with parts, too."""
        if anyway or self.questions or self.lowered or self.versions or self.converted or len(self.groups) > MAX_GROUPS:
            self.questions |= {Question("part", text) for group in self.groups for text in group}
            self.groups.clear()

    def asks(self, kind: str, text: Any, lowered: bool) -> None:
        if isinstance(text, str):
            self.questions.add(Question(kind, text, lowered))


class Uses:
    """What a number of atoms ask, by path; `ratios`: pairs of facts of which a ratio is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self.ratios: dict[tuple[str, str], set[float]] = {}

    def of(self, path: str) -> Asked:
        return self.asked.setdefault(path, Asked())

    def add(self, atom: Atom) -> None:
        _Reading(self, atom).condition(atom.node, "")


class _Reading:
    def __init__(self, uses: Uses, atom: Atom) -> None:
        self.uses, self.atom = uses, atom

    def constant(self, node: Node) -> tuple[bool, Any]:
        if node["type"] == "literal":
            return True, node["value"]
        path = path_of(node) or ""
        section, _, name = path.partition(".")
        if section == "sets" and name in self.atom.sets:
            return True, self.atom.sets[name]
        if section == "limits" and name in self.atom.limits:
            return True, self.atom.limits[name]
        return False, None

    def subject(self, node: Node, element: str) -> tuple[str, bool] | None:
        """Return the path that a node is the text or value of, and whether its lower case."""
        kind, children = node["type"], node.get("children", [])
        if kind == "current" and element:
            return element, False
        if element == "" and (path := path_of(node)) is not None:
            return None if self.constant(node)[0] else (path, False)
        if kind == "function_expression" and node["value"] in ("lower", "text", "to_string", "to_number"):
            inner = self.subject(children[0], element)
            if inner is not None and node["value"].startswith("to_"):
                self.uses.of(inner[0]).converted.add(node["value"])
            return (inner[0], inner[1] or node["value"] == "lower") if inner else None
        if kind == "or_expression" and self.constant(children[1])[0]:
            return self.subject(children[0], element)
        if kind == "multi_select_list" and len(children) == 1:  # [@], for glob()
            return self.subject(children[0], element)
        return None

    def condition(self, node: Node, element: str) -> None:
        kind, children = node["type"], cast("list[Any]", node.get("children", []))
        if kind in ("and_expression", "or_expression", "not_expression"):
            for child in children:
                self.condition(child, element)
        elif kind == "comparator":
            self.comparison(node, element)
        elif kind == "function_expression":
            self.function(node, element)
        elif kind == "filter_projection":
            base = self.subject(children[0], element)
            if base is None or children[1]["type"] != "identity":
                self.doubt(node, element)
            else:
                self.uses.of(base[0])
                alone = children[0]["type"] == "multi_select_list"
                self.condition(children[2], base[0] if alone else f"{base[0]}{ELEMENT}")
        elif (found := self.subject(node, element)) is not None:
            self.uses.of(found[0])
        elif not self.constant(node)[0]:
            self.doubt(node, element)

    def comparison(self, node: Node, element: str) -> None:
        sides = node["children"]
        for one, other in (sides, sides[::-1]):
            known, value = self.constant(other)
            found = self.subject(one, element)
            if not known:
                continue
            if found is not None:
                self.uses.of(found[0]).equals(value, found[1])
            elif one["type"] == "function_expression" and one["value"] == "length":
                self.length(one["children"][0], value, element)
            elif not self.ratio(one, value):
                self.condition(one, element)
            return
        for side in sides:
            self.condition(side, element)
            if found := self.subject(side, element):
                self.uses.of(found[0]).questions.add(Question("upper"))

    def length(self, node: Node, value: Any, element: str) -> None:
        self.condition(node, element)
        found = self.subject(node, element)
        if found is not None and isinstance(value, int | float) and value not in (0, 1):
            asked = self.uses.of(found[0])
            if 0 <= value <= 64:
                asked.questions.update(Question("length", str(n)) for n in (int(value), int(value) + 1))
            asked.doubts.add(f"how long it is ({value:g})")

    def ratio(self, node: Node, value: Any) -> bool:
        """Take ratio(a, b), or ratio(a, b) with a number for null, against a number."""
        if node["type"] == "or_expression" and self.constant(node["children"][1])[0]:
            default = self.constant(node["children"][1])[1]
            return isinstance(default, int | float) and self.ratio(node["children"][0], value)
        if node["type"] != "function_expression" or node["value"] != "ratio" or isinstance(value, bool):
            return False
        pair = tuple(path_of(child) or "" for child in node["children"])
        if len(pair) != 2 or not all(pair) or (value is not None and not isinstance(value, int | float)):
            return False
        for path in pair:
            self.uses.of(path)
        self.uses.ratios.setdefault((pair[0], pair[1]), set()).update([value] if value is not None else [])
        return True

    def function(self, node: Node, element: str) -> None:
        name, arguments = node["value"], node["children"]
        constants = [self.constant(argument) for argument in arguments]
        subjects = [self.subject(argument, element) for argument in arguments]
        first = self.uses.of(subjects[0][0]) if subjects and subjects[0] else None
        lowered = bool(subjects and subjects[0] and subjects[0][1])
        second = constants[1][1] if len(constants) > 1 and constants[1][0] else None
        if name == "has_key" and subjects[0] and isinstance(second, str) and not element:
            self.uses.of(f"{subjects[0][0]}.{second}")
        elif name == "contains" and constants[0][0] and subjects[1]:
            asked = self.uses.of(subjects[1][0])
            for member in _each(constants[0][1]):
                asked.equals(member, subjects[1][1])
            if isinstance(constants[0][1], str):
                asked.doubts.add("whether it is a part of a text")
        elif name == "contains" and first is not None and constants[1][0]:
            first.asks("part", second, lowered)
            if arguments[0]["type"] == "multi_select_list":
                first.equals(second, lowered)
            self.uses.of(f"{cast('Any', subjects[0])[0]}{ELEMENT}").equals(second, False)
        elif name == "has_any" and first is not None and constants[1][0]:
            parts = [part for part in _each(second) if isinstance(part, str)]
            if lowered or element or arguments[0]["type"] == "multi_select_list":
                for part in parts:
                    first.asks("part", part, lowered)
            else:
                first.groups.add(tuple(sorted(parts)))
        elif name in ("shares", "any_ends_with") and first is not None and constants[1][0]:
            alone = arguments[0]["type"] == "multi_select_list"
            inner = first if alone else self.uses.of(f"{cast('Any', subjects[0])[0]}{ELEMENT}")
            for member in _each(second):
                inner.equals(member, False) if name == "shares" else inner.asks("end", member, False)
        elif name in ("starts_with", "ends_with") and first is not None and constants[1][0]:
            first.asks(name.partition("_")[0].removesuffix("s"), second, lowered)
        elif name == "glob" and isinstance(second, str) and first is not None:
            path = cast("Any", subjects[0])[0]
            alone = path.endswith(ELEMENT) or arguments[0]["type"] == "multi_select_list"
            asked = first if alone else self.uses.of(f"{path}{ELEMENT}")
            asked.asks("glob", second, False)
        elif name == "at_least" and first is not None and isinstance(second, str):
            first.versions.add(second)
        else:
            for argument in arguments:
                if argument["type"] not in _PLAIN or not self.constant(argument)[0]:
                    self.condition(argument, element)
            if name not in _SILENT and name != "ratio":
                for found in subjects:
                    if found:
                        self.uses.of(found[0]).doubts.add(f"`{name}()`")

    def doubt(self, node: Node, element: str) -> None:
        for path in paths(node, self.atom):
            self.uses.of(path).doubts.add(f"`{node['type'].replace('_', ' ')}`")


def _each(value: Any) -> Iterable[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def paths(node: Node, atom: Atom) -> list[str]:
    """Return the facts' paths that a condition reads; has_key(a, 'b') reads a.b."""
    found: dict[str, None] = {}

    def walk(node: Node) -> None:
        path = path_of(node)
        if path is not None:
            if path.split(".")[0] not in ("sets", "limits"):
                found[path] = None
            return
        kind, children = node["type"], node.get("children", [])
        if kind == "function_expression" and node["value"] == "has_key":
            base, key = path_of(children[0]), children[1].get("value")
            if base is not None and children[1]["type"] == "literal" and isinstance(key, str) and "." not in key:
                found[f"{base}.{key}"] = None
                return
        inner = kind in ("projection", "filter_projection", "value_projection", "pipe", "subexpression")
        for child in children[:1] if inner else children:  # the rest names an element's fields
            if isinstance(child, dict):
                walk(cast("Node", child))

    walk(node)
    return list(found)
