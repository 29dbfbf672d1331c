"""Which gates fired, which branches gave a value, and which terms of a condition decided it, true and false."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..compiler.expression_code import Compiler, Evaluate, Scope
from ..compiler.program_builder import sections
from ..facts.wording import json_text
from ..language.expression import Node
from ..problems import Problem
from ..rulefile.document import Document, Located
from .incremental import Machine, State

Tree = tuple[str, Any]  # ("term", number), ("not", tree), or ("and"|"or", trees)


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to be seen. kind: gate, term or branch. seen: whether a case did."""

    kind: str
    owner: str
    missing: str
    file: str
    line: int
    seen: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every point of a policy, in the file's order."""

    points: tuple[Point, ...]

    @property
    def percent(self) -> float:
        return 100 * sum(point.seen for point in self.points) / len(self.points) if self.points else 100.0

    @property
    def missed(self) -> list[Point]:
        return [point for point in self.points if not point.seen]

    def of(self, kind: str) -> tuple[int, int]:
        """Return how many points of a kind were seen, and how many there are."""
        points = [point for point in self.points if point.kind == kind]
        return sum(point.seen for point in points), len(points)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition split at its &&, || and !: what it reads, and each of its terms."""

    located: Located
    tree: Tree
    terms: tuple[Node, ...]
    functions: tuple[Evaluate, ...]

    def deciding(self, scope: Scope) -> tuple[bool, list[tuple[int, bool]]]:
        """Return its value, and the terms that made it so with theirs: those without which it could be otherwise."""
        return self._deciding(self.tree, scope)

    def _deciding(self, tree: Tree, scope: Scope) -> tuple[bool, list[tuple[int, bool]]]:
        kind, inner = tree
        if kind == "term":
            value = self.functions[inner](scope) is True
            return value, [(inner, value)]
        if kind == "not":
            value, terms = self._deciding(inner, scope)
            return not value, terms
        every: list[tuple[int, bool]] = []
        for child in inner:
            value, terms = self._deciding(child, scope)
            if value == (kind == "or"):
                return value, terms
            every += terms
        return kind == "and", every


def covered(machine: Machine, states: Iterable[State]) -> Coverage:
    """Return what the cases in `states` saw of a policy."""
    document = machine.document
    conditions = _conditions(document)
    seen: set[tuple[Any, ...]] = set()
    for state in states:
        scope = machine.scope(state.facts, state.derived)
        for derivation in document.derive:
            if derivation.name in state.given:
                continue
            for branch in derivation.branches:
                if branch.when is not None and not _look(conditions[id(branch.when)], scope, seen):
                    continue
                seen.add((id(branch),))
                if branch.compute is not None and id(branch.compute) in conditions:
                    _look(conditions[id(branch.compute)], scope, seen)
                break
        for gate in document.gates:
            fired = gate.when is None or _look(conditions[id(gate.when)], scope, seen)
            seen.add((id(gate), fired))
            if fired:
                break
    return Coverage(tuple(_points(document, conditions, seen)))


def own(document: Document, coverage: Coverage) -> Coverage:
    """Return what is seen of a policy's own file: what it extends has cases of its own."""
    if document.base is None:
        return coverage
    return Coverage(tuple(point for point in coverage.points if point.file == document.place.source.name))


def _look(condition: Condition, scope: Scope, seen: set[tuple[Any, ...]]) -> bool:
    value, terms = condition.deciding(scope)
    seen |= {(id(condition), *term) for term in terms}
    return value


def _conditions(document: Document) -> dict[int, Condition]:
    compiler = Compiler({part.name: part.add for part in document.sets}, sections())
    split: list[tuple[Located, Tree, list[Node], list[int]]] = []
    for located in document.expressions:
        if located.expression.node.get("boolean"):  # stamped by the type check; another is no condition
            terms: list[Node] = []
            tree = _split(located.expression.node, terms)
            split.append((located, tree, terms, [compiler.add(term) for term in terms]))
    functions = compiler.finish()
    return {
        id(located): Condition(located, tree, tuple(terms), tuple(functions[number] for number in numbers))
        for located, tree, terms, numbers in split
    }


def _split(node: Node, terms: list[Node]) -> Tree:
    kind = node["type"]
    if kind == "not_expression":
        return "not", _split(node["children"][0], terms)
    if kind in ("and_expression", "or_expression"):
        return kind.removesuffix("_expression"), [_split(child, terms) for child in node["children"]]
    terms.append(node)
    return "term", len(terms) - 1


def _points(document: Document, conditions: dict[int, Condition], seen: set[tuple[Any, ...]]) -> Iterator[Point]:
    for derivation in document.derive:
        owner = f"derived.{derivation.name}"
        for number, branch in enumerate(derivation.branches, 1):
            place = branch.place
            name = "otherwise" if branch.when is None and branch.compute is None else f"branch {number}"
            if len(derivation.branches) > 1:
                never = f"{name} of `{owner}` never gives its value"
                yield Point("branch", owner, never, place.source.name, place.line, (id(branch),) in seen)
            if branch.when is not None:
                yield from _terms(conditions[id(branch.when)], owner, seen, alone=False)
            if branch.compute is not None and id(branch.compute) in conditions:
                yield from _terms(conditions[id(branch.compute)], owner, seen, alone=True)
    for gate in document.gates:
        file, line = gate.place.source.name, gate.place.line
        never = f"gate `{gate.id}` never fires"
        yield Point("gate", gate.id, never, file, line, (id(gate), True) in seen)
        if gate.when is not None:
            always = f"gate `{gate.id}` fires whenever it is reached, or is never reached"
            yield Point("gate", gate.id, always, file, line, (id(gate), False) in seen)
            yield from _terms(conditions[id(gate.when)], gate.id, seen, alone=False)


def _terms(condition: Condition, owner: str, seen: set[tuple[Any, ...]], alone: bool) -> Iterator[Point]:
    # A condition of one term says no more than its gate or branch; of a computed value it says all.
    if len(condition.terms) < 2 and not alone:
        return
    located = condition.located
    for number, term in enumerate(condition.terms):
        text = " ".join(located.expression.source(term).split())
        file = located.at(Problem("", ""), term["start"], 1)
        for value in (True, False):
            never = f"`{text}` of `{owner}` is never {json_text(value)} where that decides"
            yield Point("term", owner, never, file.file, file.line, (id(condition), number, value) in seen)
