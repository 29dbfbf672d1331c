"""How much memory MLX has taken at most while it evaluates a graph: its own scheduling, replayed by sizes.

Each rule is one of MLX's sources: the order of operations (`eval_impl` in mlx/transforms.cpp), which outputs take
their inputs' place (mlx/backend/common), what is copied to lie in a row, and what runs late. MLX works ahead of the
accelerator by ten tasks; until a task is done, all that its operations read stays.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import layout
from .graph import Graph, Operation
from .pending_work import Cpu, Gpu

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# mlx/utils.h: bfs_max_width.
_MAX_WIDTH = 20
# Load::eval_cpu of mlx/backend/common/load.cpp reads in a thread of its own, and is no work of the accelerator's.
LOAD = "Load"
# mlx/backend/common/utils.h: donation_extra.
_DONATION_EXTRA = 16384


@dataclass(frozen=True)
class Evaluation:
    """Bytes beside the weights: the most while one `mx.eval` ran, and the most beside the cache as it then was."""

    step: int
    peak_bytes: int
    working_bytes: int


def evaluations(graph: Graph, accelerator: str | None) -> tuple[Evaluation, ...]:
    """What each evaluation of the graph takes at most, on metal, cuda or (None too) cpu."""
    return _Replay(graph, Cpu() if accelerator in (None, "cpu") else Gpu()).run()


class _Replay:
    """The arrays that are there: whose memory each has, and how it lies in it. A weight has none of its own."""

    def __init__(self, graph: Graph, work: Gpu | Cpu) -> None:
        self._graph, self._work, self._is_gpu = graph, work, isinstance(work, Gpu)
        self._maker = {name: at for at, one in enumerate(graph.operations) for name in one.outputs}
        self._again = self._made_of_weights()
        self._memory: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._size: dict[str, int] = {}
        self._holders: Counter[str] = Counter()
        self._strides = {name: layout.rows(graph.shapes[name]) for name in (*graph.weights, *graph.given)}
        self._taken = self._peak = 0
        for name, size in graph.given.items():
            self._allocate(name, size)
        self._users: Counter[str] = Counter()
        self._roots: frozenset[str] = frozenset()

    def run(self) -> tuple[Evaluation, ...]:
        orders, done = [], set[int]()
        for asked in self._graph.evaluations:
            orders.append(self._order(asked.arrays, done))
            done |= {at for at in orders[-1] if at not in self._again}
        uses = [Counter(name for at in order for name in self._graph.operations[at].inputs) for order in orders]
        for used in uses:
            self._users.update({name: n for name, n in used.items() if self._maker.get(name, -1) not in self._again})
        found: list[Evaluation] = []
        for asked, order, used in zip(self._graph.evaluations, orders, uses, strict=True):
            self._peak, self._roots = self._taken, frozenset(asked.arrays)
            self._users.update({name: n for name, n in used.items() if self._maker.get(name, -1) in self._again})
            for at in order:
                self._evaluate(at)
            self._release(self._work.end())
            found.append(Evaluation(asked.step, self._peak, self._peak - asked.cache_bytes))
            for name in self._roots:
                if not self._users[name]:
                    self._drop(name)
        return tuple(found)

    def _made_of_weights(self) -> frozenset[int]:
        """Operations on weights and single numbers alone: each evaluation does them anew, where the export names them
        once for all."""
        graph, found = self._graph, set[int]()
        for at, one in enumerate(graph.operations):
            if all(
                name in graph.weights or layout.count(graph.shapes[name]) <= 1 or self._maker.get(name, -1) in found
                for name in one.inputs
            ):
                found.add(at)
        return frozenset(found)

    def _order(self, asked: Sequence[str], done: set[int]) -> list[int]:
        """The order of eval_impl: breadth first from what is asked for, in a bounded width, and then backwards."""
        operations, maker = self._graph.operations, self._maker

        def inputs(at: int) -> Sequence[str]:
            return operations[at].inputs if at >= 0 else asked

        degree: Counter[int] = Counter()
        stack = [-1]
        while stack:
            for name in inputs(stack.pop()):
                if (at := maker.get(name)) is not None and at not in done:
                    degree[at] += 1
                    if degree[at] == 1:
                        stack.append(at)
        tape, at, left, deferred = [-1], 0, len(degree), list[tuple[int, int]]()
        while left and (at < len(tape) or deferred):
            if at < len(tape):
                one, first, at = tape[at], 0, at + 1
            else:
                one, first = deferred.pop()
            names = inputs(one)
            for number in range(first, len(names)):
                other = maker.get(names[number])
                if other is None or other in done:
                    continue
                if len(tape) - at >= _MAX_WIDTH:
                    deferred.append((one, number))
                    break
                degree[other] -= 1
                if not degree[other]:
                    tape.append(other)
                    left -= 1
        return tape[:0:-1]

    def _evaluate(self, at: int) -> None:
        graph, one = self._graph, self._graph.operations[at]
        shapes = [graph.shapes[name] for name in one.inputs]
        strides = [self._strides[name] for name in one.inputs]
        kernels, copies = 1, list[int]()
        if one.name in layout.VIEWS or (one.name == "Depends" and not _is_stand_in(shapes[0], strides[0])):
            kernels = self._view(one)
        elif one.name in layout.IN_PLACE or one.name in layout.UPDATES:
            self._in_place(one)
        elif one.name == LOAD:
            self._make(one.outputs[0])
            kernels = 0
        else:
            places = layout.copied(one, shapes, strides, self._is_gpu)
            copies = [self._bytes(one.inputs[at]) for at in places if one.inputs[at] not in graph.weights]
            if one.name == "Convolution":
                copies.append(
                    layout.unfolded(shapes, graph.shapes[one.outputs[0]], self._is_gpu)
                    * graph.item_bytes[one.outputs[0]]
                )
            for name in one.outputs:
                self._make(name)
            kernels += len(copies) + (len(one.inputs) - 1 if one.name == "Concatenate" else 0)
        self._hand_over(one, kernels, copies)

    def _hand_over(self, one: Operation, kernels: int, copies: list[int]) -> None:
        """What the operation reads is held until it is done, and so are copies; the rest goes where nobody needs it."""
        out = one.outputs[0]
        held = {self._memory[name] for name in (*one.inputs, *one.outputs[1:]) if name in self._memory}
        held.discard(self._memory.get(out, ""))
        self._holders.update(held)
        for number, size in enumerate(copies):
            held.add(name := f"{out}~{number}")
            self._allocate(name, size)
        read = {self._memory.get(name, name): self._count(name) for name in (one.inputs if kernels else ())}
        self._release(self._work.add(sorted(held), kernels, read))
        for name in one.inputs:
            self._users[name] -= 1
        for name in dict.fromkeys((*one.inputs, *one.outputs)):
            if not self._users[name] and name not in self._roots and name not in self._graph.given:
                self._drop(name)

    def _view(self, one: Operation) -> int:
        """Gives the outputs their inputs' memory; returns how many kernels that takes."""
        copies = 0
        for number, name in enumerate(one.outputs):
            given = one.inputs[number if one.name == "Depends" else 0]
            strides = layout.view(
                one, self._graph.shapes[given], self._strides[given], self._graph.shapes[name]
            )  # fmt: skip
            if strides is None:
                self._make(name)
                copies += 1
            else:
                self._share(name, given, strides)
        return copies

    def _in_place(self, one: Operation) -> None:
        """Gives the output an input's memory where nobody else needs that, else memory of its own."""
        shapes, out = self._graph.shapes, one.outputs[0]
        given = one.inputs if one.name in layout.OF_ALL else one.inputs[:1]
        for name in given:
            if self._is_free(name, out):
                self._share(out, name, self._strides[name])
                return
        if one.name in layout.UPDATES:
            self._make(out)
        elif all(self._count(name) == 1 for name in given):
            self._make(out, tuple(0 for _ in shapes[out]))
        else:
            whole = [name for name in given if self._count(name) > 1]
            alike = {self._strides[name] for name in whole if shapes[name] == shapes[out]}
            first = alike.pop() if len(alike) == 1 and len(whole) == 1 else None
            self._make(out, first if first and layout.dense(shapes[out], first) else None)

    def _is_free(self, name: str, out: str) -> bool:
        """is_donatable in mlx/backend/common/utils.h."""
        graph, memory = self._graph, self._memory.get(name)
        return (
            memory is not None
            and self._holders[memory] == self._users[name] == 1
            and name not in self._roots
            and name not in graph.given
            and graph.item_bytes[name] == graph.item_bytes[out]
            and self._size[memory] <= self._bytes(out) + _DONATION_EXTRA
            and layout.count(graph.shapes[name]) == layout.count(graph.shapes[out])
            and layout.dense(graph.shapes[name], self._strides[name])
        )

    def _count(self, name: str) -> int:
        """How many numbers there are behind an array."""
        if (found := self._numbers.get(name)) is None:
            found = self._numbers[name] = layout.numbers(self._graph.shapes[name], self._strides[name])
        return found

    def _bytes(self, name: str) -> int:
        return layout.count(self._graph.shapes[name]) * self._graph.item_bytes[name]

    def _make(self, name: str, strides: tuple[int, ...] | None = None) -> None:
        shape = self._graph.shapes[name]
        self._strides[name] = strides = layout.rows(shape) if strides is None else strides
        self._allocate(name, layout.numbers(shape, strides) * self._graph.item_bytes[name])

    def _allocate(self, name: str, size: int) -> None:
        self._memory[name], self._size[name], self._holders[name] = name, size, 1
        self._taken += size
        self._peak = max(self._peak, self._taken)

    def _share(self, name: str, given: str, strides: tuple[int, ...]) -> None:
        self._strides[name] = strides
        if (memory := self._memory.get(given)) is not None:
            self._memory[name] = memory
            self._holders[memory] += 1

    def _drop(self, name: str) -> None:
        if (memory := self._memory.pop(name, None)) is not None:
            self._release((memory,))

    def _release(self, memories: Iterable[str]) -> None:
        for memory in memories:
            self._holders[memory] -= 1
            if not self._holders[memory]:
                self._taken -= self._size[memory]


def _is_stand_in(shape: Sequence[int], strides: Sequence[int]) -> bool:
    return layout.numbers(shape, strides) < layout.count(shape) or layout.count(shape) == 1
