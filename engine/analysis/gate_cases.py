"""A policy as decision cases: for each gate the cases in which it decides."""

from __future__ import annotations

from collections.abc import Iterable

from .cases.space import Space
from .formulas.formula import Formula


class Symbolic:
    """One policy in a space. fires: for each gate, where it is the first that fires."""

    def __init__(self, space: Space, conditions: Iterable[Formula]) -> None:
        self.space, cases = space, space.cases
        self.whens = [space.diagram(formula) for formula in conditions]
        self.reached: list[int] = []  # where no gate before this one fires
        before = cases.true
        for when in self.whens:
            self.reached.append(before)
            before = cases.both(before, cases.negated(when))
        self.fires = [cases.both(reached, when) for reached, when in zip(self.reached, self.whens, strict=True)]
