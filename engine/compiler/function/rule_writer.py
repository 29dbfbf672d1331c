"""Writes the expressions and derived facts of a program for policy_writer, each once, and tells what each needs."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ...language.expression import Node
from ...language.fact_paths import path_of, paths_in
from ..expression_code import BOOLEAN, Code, Kinds
from ..program import Branches, GateRule, Program
from .expression_writer import FastNames, FastWriter, Unsupported
from .gate_order import uses

_MARK = re.compile("\0(\\w+)\0")  # stands for a derived fact until it is known where the code stands


class Written(NamedTuple):
    """An expression as code, and what it needs: facts, lists of files as one text, lists of nothing but text."""

    text: str
    kinds: Kinds
    facts: frozenset[str]
    lines: frozenset[str]
    whole: frozenset[str]
    risky: bool = False


class Kept(NamedTuple):
    """A derived fact whose value is kept in `s`, and in a local variable where it was worked out."""

    slot: int
    code: str
    call: str  # of its function, which works it out and keeps it


class FastRules:
    """The expressions and derived facts of a program, as code."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.facts = {fact.name: fact for fact in program.facts}
        self.names = FastNames({name: fact.type for name, fact in self.facts.items()}, program.limits, self._derived)
        self.writer = FastWriter(program.sets, self.names)
        self.parts: dict[str, Written] = {}  # the derived facts that are needed
        self.kept: dict[str, Kept] = {}
        self._written: dict[int, Written] = {}  # expressions, by their node
        self.needs: dict[str, tuple[frozenset[str], frozenset[str]]] = {}  # of derived facts: facts, derived facts
        for name, branches in program.derive.items():
            self.needs[name] = self.needed(self.nodes_of(branches))

    def derive(self, asked: Sequence[Node], keep: bool = False) -> None:
        """Write the derived facts that the expressions `asked` need. keep: whether every value is kept."""
        wanted = self.needed(asked)[1]
        rules = {name: branches for name, branches in self.program.derive.items() if name in wanted}
        used = uses([*asked, *(node for branches in rules.values() for node in self.nodes_of(branches))])
        for name, branches in rules.items():
            self.writer.begin()
            part = self._taken(self._value_of(branches))
            self.parts[name] = part
            if keep or used[name] > 1 or part.risky:  # else it is worked out where it stands
                slot = len(self.kept)
                given = [*map(self.names.local, sorted(part.facts)), *map(self.names.text, sorted(part.lines))]
                self.kept[name] = Kept(slot, part.text, f"d{slot}({', '.join(['s', *given])})")

    def functions(self) -> Iterator[str]:
        """Yield the code of the functions of derived facts."""
        for name, kept in self.kept.items():
            if not self.parts[name].risky:  # what is risky is worked out beforehand
                yield f"def {kept.call}:"
                yield f"    s[{kept.slot}] = v = {self.at(kept.code, ())}"
                yield "    return v"

    def needed(self, nodes: Iterable[Node]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the facts and derived facts that expressions read, whichever way they go."""
        facts, read = self.read(nodes)
        derived = read.union(*(self.needs[name][1] for name in read))
        return facts.union(*(self.needs[name][0] for name in read)), derived

    def read(self, nodes: Iterable[Node]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the facts and derived facts that expressions name themselves."""
        facts: set[str] = set()
        derived: set[str] = set()
        for path in {path for node in nodes for path in paths_in(node)}:
            first, _, rest = path.partition(".")
            if first in ("derived", "sets", "limits") and not rest:
                raise Unsupported(path)
            if first == "derived":
                derived.add(rest.partition(".")[0])
            elif first not in ("sets", "limits"):
                facts.add(self.names.fact_of(path))
        return frozenset(facts), frozenset(derived)

    def first_kept(self, node: Node) -> Iterator[str]:
        """Yield the kept derived facts that are worked out first, and surely, where an expression is evaluated."""
        while node["type"] in (
            "and_expression",
            "or_expression",
            "not_expression",
            "comparator",
            "function_expression",
        ):
            if not node["children"] or node["children"][0]["type"] == "expref":
                return
            node = node["children"][0]
        path = path_of(node) or ""
        if not path.startswith("derived."):
            return
        name = path.split(".")[1]
        branch = self.program.derive[name][0]
        first = branch.when if branch.when is not None else branch.compute
        if first is not None:
            yield from self.first_kept(self.program.nodes[first])
        if name in self.kept:
            yield name

    # --- code

    def write(self, node: Node) -> Written:
        """Return an expression as code, which `at` makes fit for a place."""
        if id(node) not in self._written:
            self.writer.begin()
            self._written[id(node)] = self._taken(self.writer.write(node))
        return self._written[id(node)]

    def at(self, code: str, known: Container[str]) -> str:
        """Return code for a place where the derived facts `known` are in local variables."""

        def replaced(mark: re.Match[str]) -> str:
            name = mark[1]
            if name not in self.kept:
                return self.at(self.parts[name].text, known)
            kept = self.kept[name]
            if name in known:
                return f"v{kept.slot}"
            return (
                f"s[{kept.slot}]"
                if self.parts[name].risky
                else f"(v if (v := s[{kept.slot}]) is not _unknown else {kept.call})"
            )

        return _MARK.sub(replaced, code)

    def _taken(self, code: Code) -> Written:
        facts, lines, whole = (frozenset(part) for part in (self.names.read, self.writer.lines, self.writer.whole))
        return Written(code.text, code.kinds, facts, lines, whole, self.writer.risky)

    def _derived(self, name: str) -> str:
        part = self.parts[name]
        self.names.read |= part.facts
        self.writer.lines |= part.lines
        self.writer.whole |= part.whole
        return f"\0{name}\0"

    def nodes_of(self, branches: Branches) -> list[Node]:
        """Return a derived fact's expressions."""
        indexes = (index for branch in branches for index in (branch.when, branch.compute))
        return [self.program.nodes[index] for index in indexes if index is not None]

    def _value_of(self, branches: Branches) -> Code:
        result: Code | None = None
        for branch in reversed(branches):
            value = self._branch_value(branch.value, branch.compute)
            if branch.when is None:
                result = value
                continue
            if result is None:
                self.writer.risky, result = True, Code("_no_branch()")
            holds = self.condition(self.writer.write(self.program.nodes[branch.when]))
            if value.text == "(True)" and result.kinds == BOOLEAN:
                result = Code(f"({holds} or {result.text})", BOOLEAN)
            elif value.text == "(False)" and result.kinds == BOOLEAN:
                result = Code(f"(not {holds} and {result.text})", BOOLEAN)
            else:
                result = Code(f"({value.text} if {holds} else {result.text})", value.kinds | result.kinds)
        return result or Code("None")

    def _branch_value(self, value: Any, compute: int | None) -> Code:
        if compute is None:
            return self.writer.write({"type": "literal", "value": value})
        code = self.writer.write(self.program.nodes[compute])
        if "number" not in code.kinds or self._is_finite(self.program.nodes[compute]):
            return code
        self.writer.risky = True
        name = self.writer.temporary()
        finite = f"type({name} := {code.text}) is not float or {name} - {name} == 0.0"
        return Code(f"({name} if {finite} else _finite({name}))", code.kinds)

    def _is_finite(self, node: Node) -> bool:
        """Whether a number is surely finite: facts are whole numbers, and the ratio of two is finite or raises."""
        kind, children = node["type"], node.get("children", ())
        if kind == "literal":
            return type(node["value"]) is not float or node["value"] - node["value"] == 0.0
        if kind == "or_expression" or (kind == "function_expression" and node["value"] == "ratio"):
            within = all(self._is_finite(child) for child in children)
            return within and (kind == "or_expression" or all(path_of(child) in self.facts for child in children))
        path = path_of(node) or ""
        return path.startswith("limits.") or (path in self.facts and not self.facts[path].type.anything)

    def condition(self, code: Code | Written) -> str:
        """Return the code of a condition, which raises where its value is no boolean."""
        if code.kinds == BOOLEAN:
            return code.text
        self.writer.risky = True
        return f"_boolean({code.text})"


def in_message(program: Program, gate: GateRule) -> list[Node]:
    """Return the expressions of a gate's message."""
    return [program.nodes[part] for part in gate.message or () if isinstance(part, int)]
