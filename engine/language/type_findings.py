"""What the type check says of an expression: findings, each with the node that it is in."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..facts.types import ANYTHING, ARRAY, BOOLEAN, KINDS, NUMBER, STRING, Type
from ..problems import Problem
from .expression import Expression, Node
from .not_null import Paths


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and the node it is in."""

    problem: Problem
    node: Node


@dataclass
class Findings:
    """Collects findings about one expression. `facts` is the type of all that the expression may name."""

    expression: Expression
    facts: Type
    findings: list[Finding] = field(default_factory=list[Finding])

    def _report(self, node: Node, code: str, message: str, help: str = "") -> Type:
        self.findings.append(Finding(Problem(code, message, help), node))
        return ANYTHING

    def _text(self, node: Node) -> str:
        return self.expression.source(node)

    def _boolean(self, node: Node, kind: Type, what: str) -> None:
        if kind == BOOLEAN or self._reported_in(node):
            return
        text = self._text(node)
        if kind == BOOLEAN.or_null():
            self._report(node, "maybe-null", f"{what} `{text}` may be null", f"write `{text} == `true``")
            return
        if node["type"] == "literal" and kind.kinds == STRING.kinds:
            help = f"say what is to equal it, such as `model.type == {text}`"
        elif kind.kinds == ARRAY.kinds:
            help = f"ask for its length: `length({text}) > `0``"
        elif kind.kinds <= {"object", "null"}:
            help = f"ask whether it is there: `{text} != `null``"
        elif kind.kinds <= {"string", "null"}:
            help = f"compare it: `{text} == '...'`"
        elif kind.kinds == NUMBER.kinds:
            help = f"compare it: `{text} > `0``"
        elif kind.kinds == NUMBER.or_null().kinds:
            help = f"compare it: `{text} != `null` && {text} > `0``"
        else:
            help = f"make it one: `truthy({text})`"
        self._report(node, "not-boolean", f"{what} `{text}` is {kind}, not boolean", help)

    def _reported_in(self, node: Node) -> bool:
        return any(node["start"] <= f.node["start"] and f.node["end"] <= node["end"] for f in self.findings)

    def _infer(self, node: Node, scope: Type, known: Paths, root: bool = False) -> Type:
        """Return the type of `node` in `scope`; `root` where names are facts and not an element's fields."""
        kind: Type = getattr(self, f"_{node['type']}")(node, scope, known, root)
        node["boolean"] = kind.kinds == BOOLEAN.kinds
        # The compiler's licence to use Python's own operators: of facts, whose types are checked before a rule runs.
        node["kinds"] = kind.kinds if root and kind.sure else KINDS
        return kind
