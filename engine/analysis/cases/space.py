"""All cases that a number of conditions can tell apart: what is possible by the laws between the variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ...language.fact_paths import path_of
from ..formulas.formula import Atom, Formula
from .questions import LOOSE, atoms_in
from .solver import Cases
from .uses import paths
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

    def unsure(self, *conditions: Formula) -> list[str]:
        """Return why cases may be missing of the facts that conditions read, as they are written.

        Where there is no reason, what is impossible here is impossible indeed.
        """
        return sorted({why for atom in atoms_in(conditions) for why in self._unsure(atom)})

    def _unsure(self, atom: Atom) -> Iterable[str]:
        for path in paths(atom.node):
            for joined in {path, *self.joined_with(path)}:
                yield from (f"{joined}: {why}" for why in self.doubts.get(joined, set()) - LOOSE)

    def all_doubts(self) -> dict[str, tuple[str, ...]]:
        """Return by path why more, or less, may be possible here than is."""
        return {path: tuple(sorted(why)) for path, why in sorted(self.doubts.items())}

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
        if atom in self._lists:
            return self._existential(atom)
        number = self._home[atom]
        variable = self.variables[number]
        if variable.kind == "cell":
            return self.cases.test(number, [v for v, answers in enumerate(variable.answers) if answers[atom]])
        return self.cases.test(number, [1])

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
                held, exactly = self._element(self._members[member][0], word)
                if held is not None:
                    known = cases.same(bit, held) if exactly else cases.implied(bit, held)
                    law = cases.both(law, cases.implied(self._atom(alike), known))
        for one, other, alike in self._twins:
            alike_bits = cases.same(self._atom(one), self._atom(other))
            law = cases.both(law, cases.implied(self._atom(alike), alike_bits))
        return law

    def _element(self, path: str, word: str) -> tuple[int | None, bool]:
        """Return where a list holds a text like `word`, None where that is not told; and whether it is `word` itself.

        Of a word that no condition asks for alone, other texts may stand in its place.
        """
        answers = self.element_answers(path, word)
        for number in self._numbers_of(path):
            variable = self.variables[number]
            if variable.kind == "element" and self.element_answers(path, variable.text) == answers:
                return self.cases.test(number, [1]), any(_asks_for(atom, path, word) for atom in self._lists)
        return None, False

    def _reality(self) -> int:
        real = self.cases.true
        for number, variable in enumerate(self.variables):
            if variable.real < variable.size:
                real = self.cases.both(real, self.cases.test(number, range(variable.real)))
        return real


def _asks_for(atom: Atom, path: str, word: str) -> bool:
    """Whether a condition asks whether a list holds one word."""
    node = atom.node
    if node["type"] != "function_expression" or node["value"] != "contains":
        return False
    where, part = node["children"]
    return path_of(where) == path and part["type"] == "literal" and part["value"] == word
