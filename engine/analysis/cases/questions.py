"""What kind of question each condition is, and the laws: conditions of our own that say what belongs together."""

from __future__ import annotations

from collections.abc import Iterable

from ...facts.types import STRINGS
from ...facts.vocabulary import vocabulary
from ...language.expression import Node
from ...language.fact_paths import path_of
from ...language.interpreter import interpret
from .formula import Atom, Choice, Formula
from .made_nodes import call, equal, literal, path_node, put_node
from .ordinary_model import type_path
from .uses import ELEMENT, Asked, Uses, paths

# Doubts by which more is possible here than is: what never happens here never happens. By others some may be missing.
SEVERAL = "a question about several facts at once"
WHOLE = "a question about the whole list"
TWO = "two facts looked up in one list"
LOOSE = frozenset({SEVERAL, WHOLE, TWO})


class Questions:
    """Conditions, each with what it asks about. `doubts`: why what is possible here may be more, or less, than is."""

    def __init__(self, conditions: Iterable[Formula]) -> None:
        self.doubts: dict[str, set[str]] = {}
        self._constants: dict[Atom, bool] = {}
        self._classify(list(atoms_in(conditions)))
        self._synthesize()

    def _classify(self, atoms: list[Atom]) -> None:
        self._cells: dict[str, list[Atom]] = {}  # by path; joined paths share the first one's
        self._lists: dict[Atom, str] = {}
        self._members: dict[Atom, tuple[str, Node]] = {}
        self._opaque: list[Atom] = []
        self._joined: dict[str, str] = {}
        self._order: dict[str, None] = {}
        self._read: list[Atom] = []
        probe = Uses()
        for atom in atoms:
            probe.add(atom)
        self._pairs = list(probe.ratios)
        for pair in self._pairs:
            self._join(*pair)
        if {"model.type", "config.model_type"} <= {path for atom in atoms for path in paths(atom.node, atom)}:
            self._join("model.type", "config.model_type")
        for atom in atoms:
            read = paths(atom.node, atom)
            homes = {self._root(path) for path in read}
            member = _membership(atom)
            if not read:
                value = interpret(atom.node, {"sets": atom.sets, "limits": atom.limits})
                self._constants[atom] = value is True
            elif member is not None:
                self._members[atom] = member
                self._order.setdefault(paths(member[1], atom)[0])
                self._order.setdefault(member[0])
                self._cells.setdefault(self._root(paths(member[1], atom)[0]), [])
                continue
            elif len(homes) == 1 and _is_list(read[0]):
                if len(read) == 1 and _exists(atom.node):
                    self._lists[atom] = read[0]
                else:
                    self._opaque.append(atom)
                    self._doubt(read[0], WHOLE)
            elif len(homes) == 1:
                self._cells.setdefault(homes.pop(), []).append(atom)
            else:
                self._opaque.append(atom)
                for path in read:
                    self._doubt(path, SEVERAL)
            self._read.append(atom)
            for path in read:
                self._order.setdefault(path)

    def _join(self, *joined: str) -> None:
        root = min(self._root(path) for path in joined)
        for path in joined:
            self._joined[self._root(path)] = root

    def _root(self, path: str) -> str:
        while self._joined.get(path, path) != path:
            path = self._joined[path]
        return path

    def _doubt(self, path: str, reason: str) -> None:
        self.doubts.setdefault(path.removesuffix(ELEMENT), set()).add(reason)

    # --- laws

    def _synthesize(self) -> None:
        self._parents: list[tuple[Atom, Atom]] = []  # the first holds only where the second does
        self._statuses: list[tuple[Atom, Atom]] = []
        for path in list(self._order):
            self._ancestors(path)
        for fact in vocabulary().facts:
            status = f"{fact}_status"
            if status in vocabulary().facts and fact in self._cells and status in self._order:
                ok = self._own(equal(path_node(status), literal("ok")), status)
                self._statuses.append((self._filled(fact), ok))
        if "model.type" in self._order and "config_status" in self._order:
            there = self._own(equal(call("type", path_node("model.type")), literal("string")), "model.type")
            ok = self._own(equal(path_node("config_status"), literal("ok")), "config_status")
            self._parents.append((there, ok))
        self._keys: dict[Atom, tuple[Atom, dict[str, Atom]]] = {}
        self._looked_up: dict[tuple[Atom, Atom], Atom] = {}
        self._twins: list[tuple[Atom, Atom, Atom]] = []
        for atom, (path, key) in self._members.items():
            home = paths(key, atom)[0]
            is_text = self._own(equal(call("type", key), literal("string")), home)
            words = {word for other, of in self._lists.items() if of == path for word in _words_asked(other)}
            for other, of in self._lists.items():
                if of == path:  # what the list's condition says of the text that is looked up
                    alone = put_node(other.node, path, {"type": "multi_select_list", "children": [key]})
                    self._looked_up[atom, other] = self._own(alone, home, other)
                    if any(asked.lowered or asked.questions for asked in _asked_of_elements(other)):
                        self._doubt(path, TWO)
            same = {word: self._own(equal(key, literal(word)), home) for word in sorted(words)}
            self._keys[atom] = (is_text, same)
            for other, (list_of, other_key) in self._members.items():
                if other is atom:
                    break
                if list_of == path and other != atom:
                    if self._root(paths(other_key, other)[0]) == self._root(home):
                        self._twins.append((other, atom, self._own(equal(other_key, key), home)))
                    else:
                        self._doubt(path, TWO)

    def _own(self, node: Node, home: str, of: Atom | None = None) -> Atom:
        sets, limits = (of.sets, of.limits) if of is not None else ({}, {})
        atom = Atom(("law", repr(node), of), node, sets, limits)
        root = self._root(home)
        atoms = self._cells.setdefault(root, [])
        if atom not in atoms:
            atoms.append(atom)
            self._read.append(atom)
        self._order.setdefault(home)
        return atom

    def _ancestors(self, path: str) -> None:
        fact, below = type_path(path)
        parts = path.split(".")
        for end in range(len(parts) - 1, fact.count(".") if below else len(parts), -1):
            parent = ".".join(parts[:end])
            there = self._own(call("has_key", path_node(parent), literal(parts[end])), ".".join(parts[: end + 1]))
            self._parents.append((there, self._filled(parent)))

    def _filled(self, path: str) -> Atom:
        node = path_node(path)
        is_object = equal(call("type", node), literal("object"))
        return self._own({"type": "and_expression", "children": [is_object, call("truthy", node)]}, path)


def atoms_in(conditions: Iterable[Formula]) -> Iterable[Atom]:
    """Yield every atom once, in the order in which they are first met."""
    seen: set[int] = set()
    yielded: set[Atom] = set()
    waiting: list[Formula] = list(conditions)[::-1]
    while waiting:
        formula = waiting.pop()
        if isinstance(formula, Atom) and formula not in yielded:
            yielded.add(formula)
            yield formula
        elif isinstance(formula, Choice) and id(formula) not in seen:
            seen.add(id(formula))
            waiting.extend((formula.otherwise, formula.then, formula.condition))


def _is_list(path: str) -> bool:
    fact = vocabulary().facts.get(path)
    return fact is not None and fact.type == STRINGS


def _membership(atom: Atom) -> tuple[str, Node] | None:
    """Return the list and what is looked up in it, of a `contains(fact, other fact)`."""
    node = atom.node
    if node["type"] != "function_expression" or node["value"] != "contains":
        return None
    where, key = node["children"]
    path = path_of(where) or ""
    read = paths(key, atom)
    if not _is_list(path) or len(read) != 1 or _is_list(read[0]):
        return None
    return path, key


def _exists(node: Node) -> bool:
    """Whether a condition on a list asks, or denies, that one of its elements is of some kind."""
    kind, children = node["type"], node.get("children", [])
    if kind == "comparator":
        one, other = children
        if one["type"] == "function_expression" and one["value"] == "length" and other["type"] == "literal":
            return _some(one["children"][0]) and (node["value"], other["value"]) in _NONE_OR_SOME
        return node["value"] in ("eq", "ne") and other["type"] == "literal" and other["value"] == [] and _some(one)
    if kind == "function_expression" and node["value"] == "truthy":
        return _some(children[0])
    if kind == "function_expression" and node["value"] in ("contains", "shares", "any_ends_with"):
        return _some(children[0])
    return False


_NONE_OR_SOME = {("gt", 0), ("eq", 0), ("ne", 0), ("gte", 1), ("lt", 1), ("lte", 0)}


def _some(node: Node) -> bool:
    if path_of(node) is not None:
        return True
    if node["type"] == "function_expression" and node["value"] == "glob":
        return _some(node["children"][0]) and node["children"][1]["type"] == "literal"
    if node["type"] == "filter_projection":
        return _some(node["children"][0]) and node["children"][1]["type"] == "identity"
    return False


def _asked_of_elements(atom: Atom) -> list[Asked]:
    uses = Uses()
    uses.add(atom)
    return [asked for path, asked in uses.asked.items() if path.endswith(ELEMENT)]


def _words_asked(atom: Atom) -> set[str]:
    return {word for asked in _asked_of_elements(atom) for word in asked.texts}


def together(answers: tuple[bool, ...], kinds: Iterable[tuple[bool, ...]]) -> bool:
    """Whether some other kinds of texts answer together what one answers alone."""
    parts = [k for k in kinds if k != answers and all(b or not a for a, b in zip(k, answers, strict=True))]
    return all(any(part[n] for part in parts) for n, answer in enumerate(answers) if answer)


def sets_in(node: Node) -> set[str]:
    """Return the paths of the sets that a condition reads."""
    path = path_of(node)
    if path is not None:
        return {path} if path.startswith("sets.") else set()
    return {name for child in node.get("children", []) if isinstance(child, dict) for name in sets_in(child)}
