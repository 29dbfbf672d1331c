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

    def mapped(self, function: int, how: Callable[[Any], Hashable], name: Hashable) -> int:
        """Return how(function); `name` says which `how` it is."""
        memo = self._memo.setdefault(("mapped", name), {})

        def walk(node: int) -> int:
            found = memo.get(node)
            if found is None:
                if node in self._values:
                    found = self.constant(how(self._values[node]))
                else:
                    found = self.choice(self._level[node], [walk(child) for child in self._children[node]])
                memo[node] = found
            return found

        return walk(function)

    def joined(self, one: int, other: int, how: Callable[[Any, Any], Hashable]) -> int:
        """Return how(one, other), value by value."""
        memo: dict[tuple[int, int], int] = {}

        def walk(one: int, other: int) -> int:
            key = (one, other)
            found = memo.get(key)
            if found is None:
                top = min(self._level[one], self._level[other])
                if top == len(self.sizes):
                    found = self.constant(how(self._values[one], self._values[other]))
                else:
                    size = self.sizes[top]
                    first, second = (
                        self._children[node] if self._level[node] == top else (node,) * size for node in key
                    )
                    found = self.choice(top, [walk(a, b) for a, b in zip(first, second, strict=True)])
                memo[key] = found
            return found

        return walk(one, other)

    def given(self, function: int, fixed: Mapping[int, int]) -> int:
        """Return the function with some variables fixed."""
        memo: dict[int, int] = {}

        def walk(node: int) -> int:
            found = memo.get(node)
            if found is None:
                level = self._level[node]
                if node in self._values:
                    found = node
                elif level in fixed:
                    found = walk(self._children[node][fixed[level]])
                else:
                    found = self.choice(level, [walk(child) for child in self._children[node]])
                memo[node] = found
            return found

        return walk(function)

    # --- asking

    def values(self, function: int) -> set[Any]:
        """Return every value that the function has somewhere."""
        return {self._values[node] for node in self._reached(function) if node in self._values}

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

    def cheapest(self, function: int, cost: Callable[[int, int], float]) -> dict[Any, tuple[float, dict[int, int]]]:
        """Return for each value of the function the least cost at which it is had, and the variables that this fixes.

        cost: of giving a variable a value, 0 or more. A variable that is not fixed may have any value, at no cost.
        """
        best: dict[int, dict[int, tuple[float, int]]] = {}  # node -> value's node -> (cost, which child)
        for node in sorted(self._reached(function)):  # a child's number is below its parent's
            if node in self._values:
                best[node] = {node: (0.0, -1)}
                continue
            mine: dict[int, tuple[float, int]] = {}
            for value, child in enumerate(self._children[node]):
                price = cost(self._level[node], value)
                for target, (rest, _) in best[child].items():
                    if target not in mine or price + rest < mine[target][0]:
                        mine[target] = (price + rest, value)
            best[node] = mine
        answer: dict[Any, tuple[float, dict[int, int]]] = {}
        for target, (total, _) in best[function].items():
            fixed: dict[int, int] = {}
            node = function
            while node not in self._values:
                value = best[node][target][1]
                fixed[self._level[node]] = value
                node = self._children[node][value]
            answer[self._values[target]] = (total, fixed)
        return answer
