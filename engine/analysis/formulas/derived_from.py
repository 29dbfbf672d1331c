"""What the derived facts of a policy are made of, by name: paths, keys of look-ups, texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...language.expression import Node
from ...language.fact_paths import at_root, path_of
from ...rulefile.document import Derivation
from .new_nodes import lifted, literal


class _OfNodes:
    """What is found of a node, kept by its id, which stays its own while the node is kept: it is asked of often."""

    def __init__(self, find: Callable[[Node], frozenset[str]]) -> None:
        self._find = find
        self._known: dict[int, tuple[Node, frozenset[str]]] = {}

    def __call__(self, node: Node) -> frozenset[str]:
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = (node, self._find(node))
        return known[1]


class MadeOf:
    """What the derived facts of a policy are made of, by name.

    paths: the paths of an expression; of a derived fact's, a field's, the fact's own. looked_up_by: the derived facts
    by which an expression looks something up.
    """

    def __init__(self, derivations: Iterable[Derivation]) -> None:
        self.paths, self.looked_up_by = _OfNodes(self._paths_of), _OfNodes(self._keys_of)
        parts = {part.name: part for part in derivations}
        nodes = {name: [lifted(one.expression.node) for one in part.expressions] for name, part in parts.items()}
        self.order = {name: number for number, name in enumerate(parts)}
        self.direct = {name: {path for node in some for path in self.paths(node)} for name, some in nodes.items()}
        self.keys = {name: {key for node in some for key in self.looked_up_by(node)} for name, some in nodes.items()}
        self._parts = parts
        self._all: dict[str, frozenset[str]] = {}
        self._known_words: dict[str, list[Any] | None] = {}

    def of(self, name: str) -> frozenset[str]:
        """Return all paths that a derived fact is made of, its own among them."""
        if name not in self._all:
            self._all[name] = frozenset({f"derived.{name}"})
            direct = self.direct.get(name, set())
            above = [self.of(path.removeprefix("derived.")) for path in direct if path.startswith("derived.")]
            self._all[name] = self._all[name].union(direct, *above)
        return self._all[name]

    def below(self, node: Node) -> frozenset[str]:
        """Return all paths that an expression is made of."""
        direct = self.paths(node)
        return direct.union(*(self.of(path.removeprefix("derived.")) for path in direct if path.startswith("derived.")))

    def _paths_of(self, node: Node) -> frozenset[str]:
        path = path_of(node)
        if path is None:
            return frozenset[str]().union(*map(self.paths, at_root(node)))
        return frozenset({".".join(path.split(".")[:2]) if path.startswith("derived.") else path})

    def _keys_of(self, node: Node) -> frozenset[str]:
        found = frozenset[str]().union(*map(self.looked_up_by, at_root(node)))
        if node["type"] == "function_expression" and node["value"] == "look_up":
            key = path_of(node["children"][1]) or ""
            found |= {key.removeprefix("derived.")} if key.startswith("derived.") else set()
        return found

    def last(self, node: Node) -> str:
        """Return the derived fact of an expression that is derived last, so that one which several others are made of
        is put in once, for all of them."""
        names = [path.removeprefix("derived.") for path in self.paths(node) if path.startswith("derived.")]
        return max(names, key=lambda name: self.order.get(name, -1), default="")

    def words(self, name: str) -> list[Any] | None:
        """Return the texts, or null, that are all that a derived fact can be; None where it can be something else."""
        if name not in self._known_words:
            found: list[Any] | None = []
            for branch in self._parts[name].branches if name in self._parts else ():
                node = literal(branch.value) if branch.compute is None else branch.compute.expression.node
                some = self._words_of(node)
                found = None if some is None or found is None else [*found, *some]
            self._known_words[name] = found or None
        return self._known_words[name]

    def _words_of(self, node: Node) -> list[Any] | None:
        if node["type"] == "literal":
            return [node["value"]] if isinstance(node["value"], str | None) else None
        path = path_of(node) or ""
        if path.startswith("derived.") and path.count(".") == 1:
            return self.words(path.removeprefix("derived."))
        if node["type"] != "or_expression":
            return None
        one, other = map(self._words_of, node["children"])
        return None if one is None or other is None else [*one, *other]
