"""From a checked policy document to the program that runs."""

from __future__ import annotations

from ..facts.one_line import normal
from ..facts.vocabulary import vocabulary
from ..garbage_collection import uncollected
from ..language.expression import Node
from ..language.fact_paths import above, paths_in
from ..rulefile.checked import Checked
from ..rulefile.document import Branch, Derivation, Gate, Located
from .expression_code import Names, Writer
from .program import BranchRule, DerivedRule, Expression, GateRule, Program


@uncollected
def assemble(checked: Checked) -> Program:
    """Return the program of a policy that passed every check."""
    document = checked.document
    sets = {part.name: list(part.add) for part in document.sets}
    work = _Assembly(sets)
    derive = tuple(map(work.derived, document.derive))
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
        code=compile(f"functions = [{','.join(work.functions)}]", "<policy>", "exec"),
        constants=work.writer.constants,
        guards=work.writer.guards,
        facts=tuple(vocabulary().facts.values()),
        observed=observed,
    )


def sections() -> frozenset[str]:
    """Return the dotted paths of what is always an object: generated code may subscript it."""
    return frozenset(above(vocabulary().facts)) | {"sets", "limits", "derived"}


class _Assembly:
    def __init__(self, sets: dict[str, list[str]]) -> None:
        self.writer = Writer(sets, Names(sections()))
        self.functions: list[str] = []
        self.expressions: list[Expression] = []
        self.nodes: list[Node] = []
        self._numbers: dict[str, int] = {}  # of functions, by what they return
        self._same: dict[str, list[tuple[Node, int]]] = {}  # expressions, by what they say

    def derived(self, part: Derivation) -> DerivedRule:
        return DerivedRule(part.name, tuple(map(self._branch, part.branches)))

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
        self.writer.temporaries = 0  # so that the same expression is the same code, and one function
        kept["run"] = self._function(self.writer.write(node).text)
        if "children" in node:
            deeper = node["type"] in ("and_expression", "or_expression", "not_expression")
            kept["children"] = [self._runnable(child) if deeper else child for child in node["children"]]
        return kept

    def _function(self, code: str) -> int:
        number = self._numbers.setdefault(code, len(self.functions))
        if number == len(self.functions):
            self.functions.append(f"lambda s: {code}\n")
        return number
