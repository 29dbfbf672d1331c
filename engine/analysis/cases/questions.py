"""What kind of question each condition is, and the laws: conditions of our own that say what belongs together."""

from __future__ import annotations

from collections.abc import Iterable

from ...facts.vocabulary import vocabulary
from ...language.expression import Node
from ...language.fact_paths import path_of
from ..formulas.formula import Atom, Choice, Formula
from ..formulas.new_nodes import call, equal, literal, path_node, put_node
from .asked import Asked
from .ordinary_model import type_path
from .uses import ELEMENT, Uses, is_list, paths

# Doubts by which more is possible here than is: what never happens here never happens. By others some may be missing.
SEVERAL = "a question about several facts at once"
WHOLE = "a question about the whole list"
TWO = "two facts looked up in one list"
OTHER = "a question of a form that is not followed"
NOT_FOLLOWED = frozenset({SEVERAL, WHOLE, OTHER})  # it holds or not, whatever the facts are
LOOSE = NOT_FOLLOWED | {TWO}


class Questions:
    """Conditions, each with what it asks about. `doubts`: why what is possible here may be more, or less, than is."""

    def __init__(self, conditions: Iterable[Formula]) -> None:
        self.doubts: dict[str, set[str]] = {}
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
        followed, ratios = self._followed(atoms)
        for pair in ratios:
            self._join(*pair)
        if {"model.type", "config.model_type"} <= {path for atom in atoms for path in paths(atom.node)}:
            self._join("model.type", "config.model_type")
        for atom in atoms:
            read = paths(atom.node)
            homes = {self._root(path) for path in read}
            if (member := _membership(atom)) is not None:
                self._members[atom] = member
                self._order.setdefault(paths(member[1])[0])
                self._order.setdefault(member[0])
                self._cells.setdefault(self._root(paths(member[1])[0]), [])
                continue
            if len(homes) != 1 or atom not in followed:
                self._opaque.append(atom)
                several = SEVERAL if len(homes) > 1 else WHOLE if read and is_list(read[0]) else OTHER
                for path in read:
                    self._doubt(path, several)
            elif is_list(read[0]):
                self._lists[atom] = read[0]
            else:
                self._cells.setdefault(homes.pop(), []).append(atom)
            self._read.append(atom)
            for path in read:
                self._order.setdefault(path)

    def _followed(self, atoms: list[Atom]) -> tuple[set[Atom], list[tuple[str, str]]]:
        """Return the atoms whose every answer will be represented, and the pairs of facts of which a ratio is asked."""
        uses = {atom: Uses() for atom in atoms}
        followed = {atom for atom in atoms if uses[atom].add(atom)}
        # Which versions begin with a text is not known: where both is asked of a fact, versions are not followed.
        both = {path for atom in followed for path, asked in uses[atom].asked.items() if asked.patterns}
        followed -= {a for a in followed if any(p in both for p, asked in uses[a].asked.items() if asked.versions)}
        self._pairs = list(dict.fromkeys(pair for atom in atoms if atom in followed for pair in uses[atom].ratios))
        return followed, self._pairs

    def _join(self, *joined: str) -> None:
        root = min(self._root(path) for path in joined)
        for path in joined:
            self._joined[self._root(path)] = root

    def joined_with(self, path: str) -> list[str]:
        """Return the paths that are looked at together with one."""
        return [other for other in self._joined if self._root(other) == self._root(path)]

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
            home = paths(key)[0]
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
                    if self._root(paths(other_key)[0]) == self._root(home):
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


def _membership(atom: Atom) -> tuple[str, Node] | None:
    """Return the list and what is looked up in it, of a `contains(fact, other fact)`."""
    node = atom.node
    if node["type"] != "function_expression" or node["value"] != "contains":
        return None
    where, key = node["children"]
    path = path_of(where) or ""
    if not is_list(path) or len(paths(key)) != 1 or not Uses().is_text(key):
        return None
    return path, key


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
