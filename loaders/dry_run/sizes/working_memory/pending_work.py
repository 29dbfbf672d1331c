"""Work that MLX has handed over and that is not done: until it is, all that it reads stays in memory.

MLX puts up operations faster than they are done, and waits when it is ten tasks ahead. That it is always so far ahead
is the most that it can take, and what was measured.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

# mlx/transforms.cpp: MAX_ACTIVE_TASKS.
_MAX_TASKS = 10
# mlx/backend/metal/device.cpp: a command buffer of a Max or Ultra chip ends after so many operations, or so many
# numbers (it shifts a count of numbers by 20 and calls it MB). Other chips end sooner, and so take less.
_BUFFER_OPERATIONS = 50
_BUFFER_NUMBERS = 51 << 20
# mlx/backend/cpu/encoder.h: DISPATCHES_PER_TASK. Each operation is one dispatch, and one that holds what it reads.
_DISPATCHES = 10


class Gpu:
    """Work that was handed over and is not done, in command buffers."""

    def __init__(self) -> None:
        self._tasks: deque[list[str]] = deque()
        self._open: list[str] = []
        self._operations = 0
        self._read: dict[str, int] = {}

    def add(self, held: list[str], operations: int, read: dict[str, int]) -> Iterable[str]:
        """Takes over what an operation holds; gives what a task that MLX now waits for has held."""
        self._open += held
        self._operations += operations
        self._read |= {name: size for name, size in read.items() if name not in self._read}
        if self._operations <= _BUFFER_OPERATIONS and sum(self._read.values()) < _BUFFER_NUMBERS:
            return ()
        self._tasks.append(self._open)
        self._open, self._operations, self._read = [], 0, {}
        return self._tasks.popleft() if len(self._tasks) > _MAX_TASKS else ()

    def end(self) -> Iterable[str]:
        held = [name for task in (*self._tasks, self._open) for name in task]
        self.__init__()
        return held


class Cpu:
    """Work that was handed over and is not done, in the queue of a thread. Every tenth dispatch counts as a task."""

    def __init__(self) -> None:
        self._queue: deque[tuple[bool, list[str]]] = deque()
        self._dispatches = 0
        self._tasks = 0

    def add(self, held: list[str], operations: int, read: dict[str, int]) -> Iterable[str]:
        for number in range(operations + 1):
            self._dispatches = (self._dispatches + 1) % _DISPATCHES
            self._queue.append((not self._dispatches, held if number == operations else []))
            self._tasks += not self._dispatches
        done: list[str] = []
        while self._tasks > _MAX_TASKS:
            is_task, names = self._queue.popleft()
            self._tasks -= is_task
            done += names
        return done

    def end(self) -> Iterable[str]:
        held = [name for _, names in self._queue for name in names]
        self.__init__()
        return held
