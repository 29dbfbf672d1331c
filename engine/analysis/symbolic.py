"""A policy as a decision diagram: which gate decides, as a function of the cases of a space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..policy import Policy
from .formula import Conditions, Formula
from .space import Space


def formulas(policy: Policy, assumed: Mapping[str, Any] | None = None) -> list[Formula]:
    """Return the condition of each gate, in order; the last is True."""
    conditions = Conditions(policy, assumed)
    return [True if gate.when is None else conditions.of(gate.when.expression.node) for gate in policy.document.gates]


class Symbolic:
    """One policy in a space. `decides`: the function from a case to the position of the gate that decides."""

    def __init__(self, space: Space, conditions: Iterable[Formula]) -> None:
        self.space, diagrams = space, space.diagrams
        self.whens = [space.diagram(formula) for formula in conditions]
        self.reached: list[int] = []  # where no gate before this one fires
        before = diagrams.true
        for when in self.whens:
            self.reached.append(before)
            before = diagrams.both(before, diagrams.negated(when))
        self.undecided = before
        decides = diagrams.constant(-1)
        for position in range(len(self.whens) - 1, -1, -1):
            decides = diagrams.ite(self.whens[position], diagrams.constant(position), decides)
        self.decides = decides
