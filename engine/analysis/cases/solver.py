"""Conditions over variables with finitely many values, and whether some case fulfils them, by z3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from ...problems import UsageError


def solver() -> Any:
    """Return the module z3. Raises UsageError where it is not installed."""
    try:
        return import_module("z3")
    except ImportError:
        from ...storage.how_installed import install_command

        raise UsageError(
            "no-solver", "z3 is not installed, by which this is proved", install_command("analysis")
        ) from None


class Cases:
    """Conditions over variables: v takes 0 to sizes[v] - 1. A condition is a number; equal trees are one number."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self.false, self.true = 0, 1
        self._nodes: list[Any] = [False, True]  # or (variable, values), or (condition, then, otherwise)
        self._numbers: dict[Any, int] = {}
        self._given: dict[Any, int] = {}
        z3 = self._z3 = solver()
        self._solver = z3.SolverFor("QF_FD")
        self._values: list[list[Any]] = []
        for variable, size in enumerate(self.sizes):
            if size == 2:
                bit = z3.Bool(f"v{variable}")
                self._values.append([z3.Not(bit), bit])
                continue
            bits = [z3.Bool(f"v{variable}_{value}") for value in range(size)]
            self._solver.add(z3.PbEq([(bit, 1) for bit in bits], 1))
            self._values.append(bits)
        self._literals: dict[int, Any] = {0: z3.BoolVal(False), 1: z3.BoolVal(True)}
        # How the bits are called, as z3 itself names them: the first of two values is that the one bit is not set.
        self._names = [
            [bit.decl().as_func_decl() for bit in (bits[1:] if len(bits) == 2 else bits)] for bits in self._values
        ]

    def _number(self, node: Any) -> int:
        found = self._numbers.get(node)
        if found is None:
            found = self._numbers[node] = len(self._nodes)
            self._nodes.append(node)
        return found

    def test(self, variable: int, values: Iterable[int]) -> int:
        """Return the condition that the variable has one of `values`."""
        among = frozenset(values)
        if not among or len(among) == self.sizes[variable]:
            return int(bool(among))
        return self._number((variable, among))

    def ite(self, condition: int, then: int, otherwise: int) -> int:
        """Return the condition that is `then` where `condition` holds, else `otherwise`."""
        if condition < 2 or then == otherwise:
            return then if condition else otherwise
        then, otherwise = 1 if then == condition else then, 0 if otherwise == condition else otherwise
        return condition if (then, otherwise) == (1, 0) else self._number((condition, then, otherwise))

    def both(self, one: int, other: int) -> int:
        return self.ite(max(one, other), min(one, other), 0) if min(one, other) > 1 else one * other

    def either(self, one: int, other: int) -> int:
        return self.negated(self.both(self.negated(one), self.negated(other)))

    def negated(self, one: int) -> int:
        node = self._nodes[one]
        if one > 1 and len(node) == 3 and node[1:] == (0, 1):
            return node[0]
        return self.ite(one, 0, 1)

    def same(self, one: int, other: int) -> int:
        return self.ite(one, other, self.negated(other))

    def implied(self, one: int, other: int) -> int:
        return self.ite(one, other, 1)

    def _below(self, condition: int) -> list[int]:
        """Return the conditions that one is made of, parts first: a part's number is the smaller."""
        seen, waiting = {condition}, [condition]
        while waiting:
            node = self._nodes[waiting.pop()]
            for part in node if isinstance(node, tuple) and len(node) == 3 else ():
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)
        return sorted(seen)

    def given(self, condition: int, fixed: Mapping[int, int]) -> int:
        """Return the condition with some variables fixed."""
        key = tuple(sorted(fixed.items()))
        for number in self._below(condition):
            if number < 2 or (number, key) in self._given:
                continue
            node = self._nodes[number]
            if len(node) == 2:
                found = int(fixed[node[0]] in node[1]) if node[0] in fixed else number
            else:
                found = self.ite(*(part if part < 2 else self._given[part, key] for part in node))
            self._given[number, key] = found
        return condition if condition < 2 else self._given[condition, key]

    # --- asking

    def may(self, *conditions: int) -> bool:
        """Whether there is a case in which all conditions hold; which one is not read, which takes longer."""
        return self._solver.check(*map(self._literal, conditions)) == self._z3.sat

    def possible(self, *conditions: int) -> dict[int, int] | None:
        """Return a case in which all conditions hold, every variable with its value; None where there is none."""
        return self._case(self._solver.model()) if self.may(*conditions) else None

    def _case(self, model: Any) -> dict[int, int]:
        """Return the values in a model of z3, each bit read by one call: as a term it takes twenty times as long.

        A bit that the model says nothing of may be either; it is not set.
        """
        z3, context, true = self._z3, self._solver.ctx.ref(), self._literals[1].as_ast().value

        def is_set(name: Any) -> bool:
            return z3.Z3_model_get_const_interp(context, model.model, name).value == true

        return {
            variable: int(is_set(names[0])) if size == 2 else next(v for v, name in enumerate(names) if is_set(name))
            for variable, (size, names) in enumerate(zip(self.sizes, self._names, strict=True))
        }

    def holds(self, condition: int, case: Mapping[int, int]) -> bool:
        """Whether a condition holds in a case."""
        known: dict[int, bool] = {0: False, 1: True}
        for number in self._below(condition):
            node = self._nodes[number]
            if number > 1 and len(node) == 2:
                known[number] = case[node[0]] in node[1]
            elif number > 1:
                known[number] = known[node[1]] if known[node[0]] else known[node[2]]
        return known[condition]

    def least(
        self, case: Mapping[int, int], usual: Sequence[int], cost: Callable[[int], float], *conditions: int
    ) -> dict[int, int]:
        """Return a case in which the conditions hold and none of whose unusual values could be usual as well.

        case: where to start from. cost: of a variable with an unusual value; the dearest are given up first.
        """
        found = dict(case)
        settled = [self.test(v, [usual[v]]) for v in found if found[v] == usual[v]]
        for variable in sorted((v for v in found if found[v] != usual[v]), key=cost, reverse=True):
            if found[variable] == usual[variable]:
                settled.append(self.test(variable, [usual[variable]]))
            elif fewer := self.possible(*conditions, *settled, self.test(variable, [usual[variable]])):
                found = fewer
                settled.append(self.test(variable, [usual[variable]]))
        return found

    def _literal(self, condition: int) -> Any:
        if condition in self._literals:
            return self._literals[condition]
        z3 = self._z3
        for number in self._below(condition):
            if number in self._literals:
                continue
            node = self._nodes[number]
            if len(node) == 2:
                bits = [self._values[node[0]][value] for value in sorted(node[1])]
                if len(bits) == 1:
                    self._literals[number] = bits[0]
                    continue
                meaning = z3.Or(bits)
            else:
                one, then, otherwise = (self._literals[part] for part in node)
                if node[1:] == (0, 1):
                    self._literals[number] = z3.Not(one)
                    continue
                meaning = z3.And(one, then) if node[2] == 0 else z3.If(one, then, otherwise)
            name = self._literals[number] = z3.Bool(f"c{number}")
            self._solver.add(name == meaning)
        return self._literals[condition]
