"""A policy as decision diagrams: for each gate the cases in which it decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .diagram import Diagrams
from .formula import Formula
from .space import Space


class Symbolic:
    """One policy in a space. fires: for each gate, where it is the first that fires. undecided: where none does."""

    def __init__(self, space: Space, conditions: Iterable[Formula]) -> None:
        self.space, diagrams = space, space.diagrams
        self.whens = [space.diagram(formula) for formula in conditions]
        self.reached: list[int] = []  # where no gate before this one fires
        before = diagrams.true
        for when in self.whens:
            self.reached.append(before)
            before = diagrams.both(before, diagrams.negated(when))
        self.undecided = before
        self.fires = [diagrams.both(reached, when) for reached, when in zip(self.reached, self.whens, strict=True)]


def decided_in(diagrams: Diagrams, region: int, whens: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield for each gate, by its position, the part of `region` in which it is the first that fires."""
    for position, when in enumerate(whens):
        if region == diagrams.false:
            return
        part = diagrams.both(region, when)
        if part != diagrams.false:
            yield position, part
            region = diagrams.both(region, diagrams.negated(when))
