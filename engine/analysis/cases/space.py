"""All cases that a number of conditions can tell apart: what is possible by the laws between the variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from .formula import Atom, Formula
from .questions import LOOSE
from .solver import Cases
from .variables import Variables


class Space(Variables):
    """The cases that `conditions` can tell apart.

    laws: where the facts belong together. real: where, besides, no variable has a ghost's value.
    """

    def __init__(self, conditions: Iterable[Formula], ghosts: bool = False) -> None:
        super().__init__(conditions, ghosts)
        self.cases = Cases([variable.size for variable in self.variables])
        self._memo: dict[int, tuple[Formula, int]] = {}
        self.laws = self._laws()
        self.real = self.cases.both(self.laws, self._reality())

    def unsure(self, *functions: int) -> list[str]:
        """Return why facts may be missing in the functions: where nothing, what they exclude is impossible indeed."""
        numbers = {number for function in functions for number in self.cases.variables(function)}
        read = {path for number in numbers for path in self.variables[number].paths}
        return sorted(f"{path}: {why}" for path in read for why in self.doubts.get(path, set()) - LOOSE)

    # --- conditions as diagrams

    def diagram(self, formula: Formula) -> int:
        """Return a condition as a function of the variables."""
        if isinstance(formula, bool):
            return self.cases.true if formula else self.cases.false
        if isinstance(formula, Atom):
            return self._atom(formula)
        found = self._memo.get(id(formula))
        if found is None:
            three = [self.diagram(part) for part in (formula.condition, formula.then, formula.otherwise)]
            found = self._memo[id(formula)] = (formula, self.cases.ite(*three))
        return found[1]

    def _atom(self, atom: Atom) -> int:
        if atom in self._constants:
            return self._conditions_constant(self._constants[atom])
        if atom in self._lists:
            return self._existential(atom)
        number = self._home[atom]
        variable = self.variables[number]
        if variable.kind == "cell":
            return self.cases.test(number, [v for v, answers in enumerate(variable.answers) if answers[atom]])
        return self.cases.test(number, [1])

    def _conditions_constant(self, value: bool) -> int:
        return self.cases.true if value else self.cases.false

    def _existential(self, atom: Atom) -> int:
        path = self._lists[atom]
        empty = self._on_list(atom, path, [])
        changing = self.cases.false
        for number in self._numbers_of(path):
            variable = self.variables[number]
            if variable.kind == "member":
                alike = self._atom(self._looked_up[cast("Atom", variable.atom), atom])
                alike = self.cases.negated(alike) if empty else alike
                changing = self.cases.either(changing, self.cases.both(self.cases.test(number, [1]), alike))
            elif self._on_list(atom, path, [variable.text]) != empty:
                changing = self.cases.either(changing, self.cases.test(number, [1]))
        return self.cases.negated(changing) if empty else changing

    def _numbers_of(self, path: str) -> list[int]:
        return [n for n, v in enumerate(self.variables) if v.paths[0] == path and v.kind in ("element", "member")]

    # --- laws

    def _laws(self) -> int:
        cases, law = self.cases, self.cases.true
        for child, parent in self._parents:
            law = cases.both(law, cases.implied(self._atom(child), self._atom(parent)))
        for filled, ok in self._statuses:
            law = cases.both(law, cases.same(self._atom(filled), self._atom(ok)))
        for member, (is_text, same) in self._keys.items():
            bit = self._atom(member)
            law = cases.both(law, cases.implied(bit, self._atom(is_text)))
            for word, alike in same.items():
                held = self._element(self._members[member][0], word)
                law = cases.both(law, cases.implied(self._atom(alike), cases.same(bit, held)))
        for one, other, alike in self._twins:
            alike_bits = cases.same(self._atom(one), self._atom(other))
            law = cases.both(law, cases.implied(self._atom(alike), alike_bits))
        return law

    def _element(self, path: str, word: str) -> int:
        answers = self.element_answers(path, word)
        held = self.cases.false
        for number in self._numbers_of(path):
            variable = self.variables[number]
            if variable.kind == "element" and variable.text == word:
                return self.cases.test(number, [1])
            if variable.kind == "element" and self.element_answers(path, variable.text) == answers:
                held = self.cases.either(held, self.cases.test(number, [1]))
        return held

    def _reality(self) -> int:
        real = self.cases.true
        for number, variable in enumerate(self.variables):
            if variable.real < variable.size:
                real = self.cases.both(real, self.cases.test(number, range(variable.real)))
        return real
