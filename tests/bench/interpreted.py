"""A policy run by jmespath's own interpreter: each expression parsed once, then walked, derive and gates in order."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import jmespath
import jmespath.functions
from jmespath.visitor import Options, TreeInterpreter
from mlxk_rules.engine.decision import Decision, PolicyName
from mlxk_rules.engine.language.functions import FUNCTIONS
from mlxk_rules.engine.rulefile.document import Branch, Document, Located, Template

Scope = dict[str, Any]


class _Functions(jmespath.functions.Functions):
    """Ours beside jmespath's, called without the checks of their arguments: the policy is known to be right."""

    def call_function(self, function_name: str, resolved_args: list[Any]) -> Any:
        function = FUNCTIONS[function_name]
        if function.run is None:
            return super().call_function(function_name, resolved_args)
        return function.run(*resolved_args)


class Interpreted:
    """`only`: the derived facts to derive, all where it is None."""

    def __init__(self, document: Document, only: Collection[str] | None = None) -> None:
        self._visit = TreeInterpreter(Options(custom_functions=_Functions())).visit
        self._sets = {part.name: list(part.add) for part in document.sets}
        self._limits = {part.name: part.value for part in document.limits}
        self._policy = PolicyName(name=document.name, version=document.version)
        self._derive = [
            (part.name, [self._branch(branch) for branch in part.branches])
            for part in document.derive
            if only is None or part.name in only
        ]
        self._gates = [(gate, _tree(gate.when), _parts(gate.message)) for gate in document.gates]

    def decide(self, facts: dict[str, Any]) -> Decision:
        derived: dict[str, Any] = {}
        scope: Scope = {**facts, "sets": self._sets, "limits": self._limits, "derived": derived}
        visit = self._visit
        for name, branches in self._derive:
            for value, when, compute in branches:
                if when is None or visit(when, scope):
                    derived[name] = value if compute is None else visit(compute, scope)
                    break
        for gate, when, parts in self._gates:
            if when is None or visit(when, scope):
                message = None if parts is None else self._message(parts, scope)
                return Decision(gate.decide, gate.backend, gate.id, gate.error, gate.http, message, self._policy)
        raise AssertionError("the last gate always fires")

    def _branch(self, branch: Branch) -> tuple[Any, Any, Any]:
        return branch.value, _tree(branch.when), _tree(branch.compute)

    def _message(self, parts: list[Any], scope: Scope) -> str:
        pieces = [part if isinstance(part, str) else self._visit(part, scope) for part in parts]
        return " ".join("".join("unknown" if piece is None else str(piece) for piece in pieces).split())


def needed(document: Document) -> set[str]:
    """The derived facts that the gates read, and those that these read: the least that a decision takes."""
    texts = {part.name: _texts(part.branches) for part in document.derive}
    found: set[str] = set()
    waiting = [gate.when.expression.text for gate in document.gates if gate.when is not None]
    for gate in document.gates:
        if gate.message is not None:
            waiting += [part.expression.text for part in gate.message.parts if isinstance(part, Located)]
    while waiting:
        text = waiting.pop()
        for name in texts.keys() - found:
            if f"derived.{name}" in text:
                found.add(name)
                waiting += texts[name]
    return found


def _texts(branches: tuple[Branch, ...]) -> list[str]:
    return [part.expression.text for branch in branches for part in (branch.when, branch.compute) if part is not None]


def _tree(located: Located | None) -> Any:
    return None if located is None else jmespath.compile(located.expression.text).parsed


def _parts(message: Template | None) -> list[Any] | None:
    return None if message is None else [_tree(p) if isinstance(p, Located) else p for p in message.parts]
