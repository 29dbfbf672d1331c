"""Decision diagrams: functions of variables with finitely many values, each function stored once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

MAX_NODES = 3_000_000


class TooLarge(Exception):
    """A function needs more nodes than MAX_NODES: nothing is known of it."""


class Diagrams:
    """Functions over `sizes`: variable v takes 0 to sizes[v] - 1. A function is a number, and equal ones are one number.

    A function's values are any hashables; `false` and `true` are those of conditions.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self._level: list[int] = []
        self._children: list[tuple[int, ...]] = []
        self._unique: dict[tuple[int, tuple[int, ...]], int] = {}
        self._values: dict[int, Any] = {}
        self._of_value: dict[tuple[type, Hashable], int] = {}
        self._memo: dict[Any, dict[Any, int]] = {}
        self.false, self.true = self.constant(False), self.constant(True)

    def constant(self, value: Hashable) -> int:
        """Return the function that is `value` everywhere."""
        key = (type(value), value)
        if key not in self._of_value:
            self._of_value[key] = len(self._level)
            self._values[len(self._level)] = value
            self._level.append(len(self.sizes))
            self._children.append(())
        return self._of_value[key]

    def choice(self, variable: int, functions: Sequence[int]) -> int:
        """Return the function that is `functions[i]` where the variable is i; they read later variables only."""
        first = functions[0]
        if all(function == first for function in functions):
            return first
        key = (variable, tuple(functions))
        found = self._unique.get(key)
        if found is None:
            if len(self._level) >= MAX_NODES:
                raise TooLarge
            found = self._unique[key] = len(self._level)
            self._level.append(variable)
            self._children.append(key[1])
        return found

    def test(self, variable: int, values: Iterable[int]) -> int:
        """Return the condition that the variable has one of `values`."""
        among = set(values)
        return self.choice(variable, [self.true if v in among else self.false for v in range(self.sizes[variable])])

    # --- putting together

    def ite(self, condition: int, then: int, otherwise: int) -> int:
        """Return the function that is `then` where the condition holds, else `otherwise`."""
        if condition == self.true or then == otherwise:
            return then
        if condition == self.false:
            return otherwise
        if then == self.true and otherwise == self.false:
            return condition
        memo = self._memo.setdefault("ite", {})
        key = (condition, then, otherwise)
        found = memo.get(key)
        if found is None:
            level = self._level
            top = min(level[condition], level[then], level[otherwise])
            size = self.sizes[top]
            parts = [
                self._children[function] if level[function] == top else (function,) * size
                for function in (condition, then, otherwise)
            ]
            found = memo[key] = self.choice(top, [self.ite(*three) for three in zip(*parts, strict=True)])
        return found

    def both(self, one: int, other: int) -> int:
        return self.ite(one, other, self.false) if one < other else self.ite(other, one, self.false)

    def either(self, one: int, other: int) -> int:
        return self.ite(one, self.true, other) if one < other else self.ite(other, self.true, one)

    def negated(self, one: int) -> int:
        return self.ite(one, self.false, self.true)

    def same(self, one: int, other: int) -> int:
        return self.ite(one, other, self.negated(other))

    def implied(self, one: int, other: int) -> int:
        return self.ite(one, other, self.true)

    def given(self, function: int, fixed: Mapping[int, int]) -> int:
        """Return the function with some variables fixed."""
        memo: dict[int, int] = {}
        last = max(fixed, default=-1)

        def walk(node: int) -> int:
            found = memo.get(node)
            if found is None:
                level = self._level[node]
                if level > last:
                    found = node
                elif level in fixed:
                    found = walk(self._children[node][fixed[level]])
                else:
                    found = self.choice(level, [walk(child) for child in self._children[node]])
                memo[node] = found
            return found

        return walk(function)

    # --- asking

    def count(self, function: int) -> int:
        """Return how many nodes the function has."""
        return len(self._reached(function))

    def variables(self, function: int) -> set[int]:
        """Return the variables that the function depends on."""
        return {self._level[node] for node in self._reached(function) if node not in self._values}

    def _reached(self, function: int) -> set[int]:
        seen, waiting = {function}, [function]
        while waiting:
            for child in self._children[waiting.pop()]:
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
        return seen

    def cheapest(self, condition: int, cost: Callable[[int, int], float]) -> dict[int, int]:
        """Return the variables that are fixed where the condition holds at the least cost; it must hold somewhere.

        cost: of giving a variable a value, 0 or more. A variable that is not fixed may have any value, at no cost.
        """
        best: dict[int, tuple[float, int]] = {self.true: (0.0, -1)}  # node -> cost, which child
        for node in sorted(self._reached(condition)):  # a child's number is below its parent's
            if node in self._values:
                continue
            level = self._level[node]
            options = [
                (cost(level, value) + best[child][0], value)
                for value, child in enumerate(self._children[node])
                if child in best
            ]
            if options:
                best[node] = min(options)
        fixed: dict[int, int] = {}
        node = condition
        while node != self.true:
            value = best[node][1]
            fixed[self._level[node]] = value
            node = self._children[node][value]
        return fixed
