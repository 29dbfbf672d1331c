"""A policy as decision cases: for each gate the cases in which it decides; and two policies over the same cases."""

from __future__ import annotations

from collections.abc import Iterable

from ..policy import Policy
from .cases.space import Space
from .cases.thresholds import thresholds
from .formulas.formula import Conditions, Formula


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


def side_by_side(old: Policy, new: Policy) -> tuple[Space, Symbolic, Symbolic, int]:
    """Return the space of two policies, both in it, and where in it there can be facts."""
    conditions = [Conditions(policy).gates() for policy in (old, new)]
    space = Space(formula for one in conditions for formula in one)
    one, other = (Symbolic(space, gates) for gates in conditions)
    return space, one, other, space.cases.both(space.real, thresholds(space))
