"""From a checked policy document to the program that runs."""

from __future__ import annotations

from collections.abc import Iterable

from ..facts.one_line import normal
from ..facts.vocabulary import vocabulary
from ..language.expression import Node
from ..language.fact_paths import above, paths_in
from ..rulefile.checked import Checked
from ..rulefile.document import Branch, Derivation, Gate, Located
from .expression_code import Names, Writer, digest
from .program import Branches, BranchRule, Expression, GateRule, Program


def assemble(checked: Checked) -> Program:
    """Return the program of a policy that passed every check."""
    document = checked.document
    sets = {part.name: list(part.add) for part in document.sets}
    work = _Assembly(sets)
    derive = {part.name: work.derived(part) for part in document.derive}
    gates = tuple(map(work.gate, document.gates))
    observed = tuple(work.gate(one.gate)._replace(before=one.before) for one in document.observed)
    return Program(
        name=document.name,
        version=document.version,
        sets=sets,
        limits={part.name: part.value for part in document.limits},
        types=checked.derived,
        derive=derive,
        gates=gates,
        expressions=tuple(work.expressions),
        nodes=tuple(work.nodes),
        functions=tuple(map(digest, work.functions)),
        constants=work.writer.constants,
        guards=work.writer.guards,
        facts=tuple(vocabulary().facts.values()),
        observed=observed,
    )


def sections(facts: Iterable[str] | None = None) -> frozenset[str]:
    """Return the dotted paths of what is always an object, where the vocabulary has these facts, or the shipped ones.

    Generated code may subscript it.
    """
    return frozenset(above(vocabulary().facts if facts is None else facts)) | {"sets", "limits", "derived"}


def written(program: Program) -> dict[int, str]:
    """Return the code of a program's functions by digest, written from its syntax trees alone."""
    writer = Writer(program.sets, Names(sections(fact.name for fact in program.facts)))
    waiting = [program.nodes[place] for place in range(len(program.expressions))]
    found: dict[int, str] = {}
    while waiting:
        node = waiting.pop()
        code = _code(writer, node)
        found[digest(code)] = code
        waiting += _parts(node)
    return found


def _code(writer: Writer, node: Node) -> str:
    writer.temporaries = 0  # so that the same expression is the same code, and one function
    return writer.write(node).text


def _parts(node: Node) -> list[Node]:
    """Return the parts of a condition that have a function of their own."""
    return node["children"] if node["type"] in ("and_expression", "or_expression", "not_expression") else []


class _Assembly:
    def __init__(self, sets: dict[str, list[str]]) -> None:
        self.writer = Writer(sets, Names(sections()))
        self.functions: list[str] = []
        self.expressions: list[Expression] = []
        self.nodes: list[Node] = []
        self._numbers: dict[str, int] = {}  # of functions, by what they return
        self._same: dict[str, list[tuple[Node, int]]] = {}  # expressions, by what they say

    def derived(self, part: Derivation) -> Branches:
        return tuple(map(self._branch, part.branches))

    def _branch(self, branch: Branch) -> BranchRule:
        return BranchRule(self._add(branch.when), branch.value, self._add(branch.compute), branch.why)

    def gate(self, gate: Gate) -> GateRule:
        message: tuple[str | int, ...] | None = None
        if gate.message is not None:
            message = tuple(normal([p if isinstance(p, str) else self._expression(p) for p in gate.message.parts]))
        when, where = self._add(gate.when), (gate.place.source.name, gate.place.line)
        about = {**dict(gate.about), **({"until": gate.until} if gate.until else {})} or None
        return GateRule(gate.id, when, gate.decide, gate.backend, gate.error, gate.http, message, *where, about)

    def _add(self, located: Located | None) -> int | None:
        return None if located is None else self._expression(located)

    def _expression(self, located: Located) -> int:
        text, node = located.expression.text, located.expression.node
        same = self._same.setdefault(text, [])
        for other, index in same:
            if other == node:  # and so is what the type check found of its parts, which differs by where it stands
                return index
        same.append((node, len(self.expressions)))
        self.nodes.append(self._runnable(node))
        self.expressions.append(Expression(text, tuple(sorted(paths_in(node))), self.nodes[-1]["run"]))
        return len(self.expressions) - 1

    def _runnable(self, node: Node) -> Node:
        """Return the node with the number of its function, and so the parts of the condition that it is."""
        kept: Node = {key: node[key] for key in ("type", "value", "start", "end", "kinds") if key in node}
        kept["run"] = self._function(_code(self.writer, node))
        if "children" in node:
            kept["children"] = [self._runnable(child) for child in _parts(node)] or node["children"]
        return kept

    def _function(self, code: str) -> int:
        number = self._numbers.setdefault(code, len(self.functions))
        if number == len(self.functions):
            self.functions.append(code)
        return number
