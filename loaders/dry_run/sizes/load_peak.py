"""What a rank takes at most while mlx-lm loads its slices: whole tensors are read, and cut, and given up again.

Load, slice and copy of each tensor are three operations, and MLX puts up some twenty tensors before the first is done:
the replay of its scheduling that tells what a prompt takes tells this too. Measured on a CPU alone (rules/MACHINES.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .working_memory import replay
from .working_memory.graph import Asked, Graph, Operation


def sliced(before: Mapping[str, Any], after: Mapping[str, Any], accelerator: str | None) -> int | None:
    """The most bytes at once while the arrays `after` are made of those of the same name in `before`.

    None where it was not measured: what Metal and CUDA have in flight while they load is not known.
    """
    if accelerator != "cpu":
        return None
    shapes: dict[str, tuple[int, ...]] = {}
    item_bytes: dict[str, int] = {}
    operations: list[Operation] = []
    for name, array in after.items():
        whole, cut = f"{name}/whole", f"{name}/slice"
        shapes[name] = tuple(array.shape)
        item_bytes[name] = item_bytes[whole] = item_bytes[cut] = array.dtype.size
        if name not in before or before[name].nbytes <= array.nbytes:
            operations.append(Operation(replay.LOAD, (), (name,), ()))
            continue
        shapes[whole], shapes[cut] = tuple(before[name].shape), tuple(array.shape)
        operations += [
            Operation(replay.LOAD, (), (whole,), ()),
            Operation("Slice", (whole,), (cut,), ((), (), (1,) * array.ndim)),
            Operation("Contiguous", (cut,), (name,), ()),
        ]
    graph = Graph(shapes, item_bytes, frozenset(), {}, tuple(operations), (Asked(tuple(after), 0, 0),))
    return max(one.peak_bytes for one in replay.evaluations(graph, accelerator))
