"""What conditions ask of each fact, and whether a condition is of a form whose every answer is then represented.

Only what is written here is followed. A condition of another form may hold or not, whatever the facts are: so nothing
that can be is ever left out, and what is called exact is so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...facts.types import ANYTHING, STRINGS, kind_of
from ...facts.vocabulary import vocabulary
from ...language.expression import Node
from ...language.fact_paths import at_root, path_of
from ..formulas.formula import Atom
from .asked import Asked
from .ordinary_model import type_path
from .text_kinds import Question

ELEMENT = "[]"  # what a list's elements are called behind its path
_NONE_OR_SOME = {("gt", 0), ("eq", 0), ("ne", 0), ("gte", 1), ("lt", 1), ("lte", 0)}
_TURNED = {"lt": "gt", "gt": "lt", "lte": "gte", "gte": "lte"}
_MAX_LENGTH = 64  # characters that are counted
_MAX_PARTS = 20  # characters of a text all of whose parts are looked at
_TEXT, _TEXT_OR_NULL = frozenset({"string"}), frozenset({"string", "null"})
_MADE_INTO = {"lower": _TEXT_OR_NULL, "text": _TEXT, "to_number": frozenset({"number", "null"})}


class Subject(NamedTuple):
    """What is asked about: a path, its lower case or not, and the kinds that the value asked about can have."""

    path: str
    lowered: bool
    kinds: frozenset[str]
    plain: bool = False  # whether it is the value at the path itself


class Uses:
    """What a number of atoms ask, by path; `ratios`: pairs of facts of which a ratio is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self.ratios: dict[tuple[str, str], set[float]] = {}

    def of(self, path: str) -> Asked:
        return self.asked.setdefault(path, Asked())

    def add(self, atom: Atom) -> bool:
        """Take in what an atom asks. Returns whether it is of a form that is followed; else what it asks is a hint."""
        return _Reading(self, atom).condition(atom.node, None)

    def is_text(self, node: Node) -> bool:
        """Whether a node is one fact, its text, or its lower case, as text or null."""
        found = _Reading(self, Atom((), node, {}, {})).subject(node, None)
        return found is not None and found.kinds <= _TEXT_OR_NULL


class _Reading:
    """Reads one atom. `element`: of what stands in a filter, what @ is."""

    def __init__(self, uses: Uses, atom: Atom) -> None:
        self.uses, self.atom = uses, atom
        self.inside = False  # of a filter, where names are of an element's fields

    def constant(self, node: Node) -> tuple[bool, Any]:
        """Return whether a node is known, and its value: all else that reads no fact was worked out before."""
        if node["type"] == "literal":
            return True, node["value"]
        section, _, name = (path_of(node) or "").partition(".")
        known = section == "sets" and name in self.atom.sets and not self.inside
        return (True, self.atom.sets[name]) if known else (False, None)

    def subject(self, node: Node, element: Subject | None) -> Subject | None:
        """Return what a node is the text or value of; None where that is no one fact."""
        kind, children = node["type"], node.get("children", [])
        if kind == "current" and element:
            return element
        if element is None and (path := path_of(node)) is not None:
            name, below = type_path(path)
            fact = vocabulary().facts.get(name)
            if is_list(path) or fact is None or path.split(".")[0] in ("sets", "limits", "derived"):
                return None
            return Subject(path, False, ANYTHING.kinds if below else fact.type.kinds, True)
        if kind == "function_expression" and node["value"] in _MADE_INTO and len(children) == 1:
            inner = self.subject(children[0], element)
            if inner is None:
                return None
            if node["value"] == "to_number":
                self.uses.of(inner.path).converted = True
            return Subject(inner.path, inner.lowered or node["value"] == "lower", _MADE_INTO[node["value"]])
        chosen = kind == "or_expression" or (kind == "function_expression" and node["value"] == "not_null")
        first = children[0] if chosen else None
        if first is not None and all(self.constant(child)[0] for child in children[1:]):
            inner = self.subject(first, element)
            known = [self.constant(child)[1] for child in children[1:]]
            kinds = frozenset(map(kind_of, known)) | (inner.kinds - {"null"} if inner else frozenset())
            return Subject(inner.path, inner.lowered, kinds) if inner else None
        return None

    def condition(self, node: Node, element: Subject | None) -> bool:
        kind, children = node["type"], node.get("children", [])
        if kind in ("and_expression", "or_expression", "not_expression"):
            several = [self.condition(child, element) for child in children]  # each is looked at
            return all(several)
        if kind == "comparator":
            return self.comparison(node, element)
        if kind == "function_expression":
            return self.function(node, element)
        return self.noted(self.subject(node, element)) or self.constant(node)[0] or self.hint(node)

    def noted(self, found: Subject | None) -> bool:
        """Note that something is asked about a subject; return whether there is one."""
        if found is not None:
            self.uses.of(found.path)
        return found is not None

    def hint(self, node: Node) -> bool:
        """Take what an expression of another form asks as a hint for witnesses."""
        for child in at_root(node):
            if not self.noted(self.subject(child, None)) and child["type"] != "literal":
                self.condition(child, None)
        return False

    # --- comparisons

    def comparison(self, node: Node, element: Subject | None) -> bool:
        operator: str = node["value"]
        left, right = node["children"]
        for one, other, sign in ((left, right, operator), (right, left, _TURNED.get(operator, operator))):
            known, value = self.constant(other)
            if known:
                return self.compared(one, sign, value, element) or self.hint(node)
        return self.hint(node)

    def compared(self, node: Node, sign: str, value: Any, element: Subject | None) -> bool:
        """Take `node SIGN value`, the value known."""
        alike = sign in ("eq", "ne")
        call = node["value"] if node["type"] == "function_expression" else ""
        if call == "length":
            return self.length(node["children"][0], sign, value, element)
        if call == "type":
            found = self.subject(node["children"][0], element)
            return alike and self.noted(found if found is not None and found.plain else None)
        if self.ratio(node, value):
            return True
        found = self.subject(node, element)
        if found is not None:
            self.uses.of(found.path).equals(value, found.lowered)
            return alike or (_is_number(value) and not found.lowered)
        if alike and value == [] and isinstance(value, list):
            return self.some(node, element) is not None
        return alike and isinstance(value, bool) and self.condition(node, element)

    def length(self, node: Node, sign: str, value: Any, element: Subject | None) -> bool:
        if not _is_number(value):
            return False
        if self.some(node, element) is not None:
            return (sign, value) in _NONE_OR_SOME
        found = self.subject(node, element)
        if found is None:
            return False
        asked = self.uses.of(found.path)
        if found.kinds <= _TEXT_OR_NULL and not found.lowered and value <= _MAX_LENGTH:
            asked.questions.update(Question("length", str(n)) for n in (int(value), int(value) + 1) if n > 0)
            return True
        return found.plain and found.kinds <= {"object", "null"} and (sign, value) in _NONE_OR_SOME

    def ratio(self, node: Node, value: Any) -> bool:
        """Take ratio(a, b), or ratio(a, b) with a number for null, against a number or null."""
        if node["type"] == "or_expression":
            known, default = self.constant(node["children"][1])
            return known and _is_number(default) and self.ratio(node["children"][0], value)
        if node["type"] != "function_expression" or node["value"] != "ratio":
            return False
        if value is not None and not _is_number(value):
            return False
        facts = vocabulary().facts
        pair = [path_of(child) or "" for child in node["children"]]
        if len(set(pair)) != 2 or not all(path in facts and facts[path].unit == "bytes" for path in pair):
            return False
        for path in pair:
            self.uses.of(path)
        self.uses.ratios.setdefault((pair[0], pair[1]), set()).update([value] if value is not None else [])
        return True

    # --- lists: whether they hold something

    def some(self, node: Node, element: Subject | None) -> Subject | None:
        """Return what is asked of the elements of a list, or of the part of it that is of some kind."""
        kind, children = node["type"], node.get("children", [])
        path = path_of(node) if element is None else None
        if path is not None and is_list(path):
            return Subject(f"{path}{ELEMENT}", False, _TEXT, True)
        if kind == "multi_select_list" and len(children) == 1:  # [@], for glob()
            return self.subject(children[0], element)
        if kind == "function_expression" and node["value"] == "glob":
            inner, (known, pattern) = self.some(children[0], element), self.constant(children[1])
            if inner is None or not known:
                return None
            self.uses.of(inner.path).asks("glob", pattern, inner.lowered)
            return inner
        if kind == "filter_projection" and children[1]["type"] == "identity":
            inner, outside = self.some(children[0], element), self.inside
            self.inside = True
            asked = inner is not None and self.condition(children[2], inner)
            self.inside = outside
            return inner if asked else None
        return None

    # --- functions

    def function(self, node: Node, element: Subject | None) -> bool:
        asking = getattr(self, f"_{node['value']}", None)
        return (asking is not None and asking(node["children"], element)) or self.hint(node)

    def _has_key(self, arguments: list[Node], element: Subject | None) -> bool:
        found, (known, key) = self.subject(arguments[0], element), self.constant(arguments[1])
        if found is None or not found.plain or element or not known or "." in key:
            return False
        self.uses.of(f"{found.path}.{key}")
        return type_path(f"{found.path}.{key}")[1]

    def _truthy(self, arguments: list[Node], element: Subject | None) -> bool:
        return self.noted(self.some(arguments[0], element) or self.subject(arguments[0], element))

    def _has_text(self, arguments: list[Node], element: Subject | None) -> bool:
        return self.noted(self.subject(arguments[0], element))

    def _contains(self, arguments: list[Node], element: Subject | None) -> bool:
        (known, whole), (alone, part) = map(self.constant, arguments)
        if known:
            found = self.subject(arguments[1], element)
            if found is None or (isinstance(whole, str) and len(whole) > _MAX_PARTS):
                return False
            for member in whole if isinstance(whole, list) else parts_of(whole):
                self.uses.of(found.path).equals(member, found.lowered)
            return True
        if not alone:
            return False
        if (found := self.some(arguments[0], element)) is not None:
            self.uses.of(found.path).equals(part, found.lowered)
            return True
        return self._text_asked("part", arguments[0], part, element)

    def _starts_with(self, arguments: list[Node], element: Subject | None) -> bool:
        known, part = self.constant(arguments[1])
        return known and self._text_asked("start", arguments[0], part, element)

    def _ends_with(self, arguments: list[Node], element: Subject | None) -> bool:
        known, part = self.constant(arguments[1])
        return known and self._text_asked("end", arguments[0], part, element)

    def _text_asked(self, kind: str, node: Node, part: Any, element: Subject | None) -> bool:
        found = self.subject(node, element)
        if found is None or not found.kinds <= _TEXT_OR_NULL:
            return False
        self.uses.of(found.path).asks(kind, part, found.lowered)
        return isinstance(part, str)

    def _has_any(self, arguments: list[Node], element: Subject | None) -> bool:
        found, (known, members) = self.subject(arguments[0], element), self.constant(arguments[1])
        if found is None or not known or not found.kinds <= _TEXT_OR_NULL:
            return False
        parts = [part for part in members if isinstance(part, str)]
        if found.lowered or element:
            for part in parts:
                self.uses.of(found.path).asks("part", part, found.lowered)
        else:
            self.uses.of(found.path).groups.add(tuple(sorted(parts)))
        return True

    def _shares(self, arguments: list[Node], element: Subject | None) -> bool:
        return self._elements("equal", arguments, element)

    def _any_ends_with(self, arguments: list[Node], element: Subject | None) -> bool:
        return self._elements("end", arguments, element)

    def _elements(self, kind: str, arguments: list[Node], element: Subject | None) -> bool:
        known, members = self.constant(arguments[1])
        inner = self.some(arguments[0], element) if known else None
        if known and inner is None:
            found = self.subject(arguments[0], element)
            if found is not None and found.plain and not element:  # of a document's key, which may be a list
                self.uses.of(found.path)
                inner = Subject(f"{found.path}{ELEMENT}", False, _TEXT)
        if inner is None:
            return False
        asked = self.uses.of(inner.path)
        for member in members:
            asked.equals(member, inner.lowered) if kind == "equal" else asked.asks("end", member, inner.lowered)
        return True

    def _at_least(self, arguments: list[Node], element: Subject | None) -> bool:
        found, (known, version) = self.subject(arguments[0], element), self.constant(arguments[1])
        if found is None or not known or element or found.lowered:
            return False
        self.uses.of(found.path).versions.add(version)
        return True


def is_list(path: str) -> bool:
    """Whether a path is a fact that is a list of text."""
    fact = vocabulary().facts.get(path)
    return fact is not None and fact.type == STRINGS


def parts_of(text: str) -> set[str]:
    """Return all parts of a text, the empty one among them."""
    return {text[start:end] for start in range(len(text) + 1) for end in range(start, len(text) + 1)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def paths(node: Node) -> list[str]:
    """Return the facts' paths that a condition reads; has_key(a, 'b') reads a.b."""
    return list(dict.fromkeys(_paths(node)))


def _paths(node: Node) -> Iterable[str]:
    path = path_of(node)
    if path is not None:
        if path.split(".")[0] not in ("sets", "limits"):
            yield path
        return
    if node["type"] == "function_expression" and node["value"] == "has_key":
        base, key = path_of(node["children"][0]), node["children"][1].get("value")
        if base is not None and node["children"][1]["type"] == "literal" and isinstance(key, str) and "." not in key:
            yield f"{base}.{key}"
            return
    for child in at_root(node):
        yield from _paths(child)
