"""What MLX would compute, as a list of its own operations with the shapes of their arrays; nothing is computed.

`mx.export_function` with a callback tells a function's graph. The model's weights are its arguments, so that it sees
stand-ins of their shapes: nothing can be read or computed from them, and whoever tries raises.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from typing import Any

from ...rehearsals.stand_ins import replaced

# More pieces than that in one array are views of a larger one (mistral3's patches), and the export compares each
# pair of them: they are left out.
_MOST_PIECES = 256
_BITS = {"mxfp8": 8}
_STATES = ("Transpose", "Slice")


class Ended(BaseException):
    """Raised in a call that has been seen far enough. No Exception, so that no library catches it."""


@dataclass(frozen=True)
class Asked:
    """The arrays that one call of `mx.eval` asks for; what is said of that moment comes from who has the graph made."""

    arrays: tuple[str, ...]
    step: int
    cache_bytes: int


@dataclass(frozen=True)
class Operation:
    """One primitive of MLX, by the name that MLX gives it; arrays are named. `state` is that of views alone."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    state: tuple[Any, ...]


@dataclass(frozen=True)
class Graph:
    """`item_bytes` are those of one number of an array; `given` are arrays that are there before, and their bytes."""

    shapes: Mapping[str, tuple[int, ...]]
    item_bytes: Mapping[str, int]
    weights: frozenset[str]
    given: Mapping[str, int]
    operations: tuple[Operation, ...]
    evaluations: tuple[Asked, ...]


def graph(model: Any, call: Callable[[], None], moment: Callable[[], tuple[int, int]]) -> Graph:
    """What `call` has MLX evaluate, until it raises Ended; `moment` tells step and cache_bytes of each evaluation.

    Raises whatever the library raises, and ValueError for an operation that MLX does not export.
    """
    mx: Any = import_module("mlx.core")
    utils: Any = import_module("mlx.utils")
    weights = utils.tree_flatten(model.parameters())
    asked: list[tuple[list[Any], tuple[int, int]]] = []
    told: list[dict[str, Any]] = []

    def evaluated(*what: Any) -> None:
        if found := list(_arrays(what, mx.array)):
            asked.append((found, moment()))

    def traced(*stand_ins: Any) -> list[Any]:
        model.update(utils.tree_unflatten([(name, one) for (name, _), one in zip(weights, stand_ins, strict=True)]))
        with suppress(Ended):
            call()
        if not asked:
            raise ValueError("nothing was evaluated")
        return [array for found, _ in asked for array in found]

    with _exportable(mx, evaluated):
        try:
            mx.export_function(told.append, traced, *(array for _, array in weights))
        finally:
            model.update(utils.tree_unflatten(weights))
    return _read(told, [(len(found), *when) for found, when in asked])


def _read(told: Iterable[Mapping[str, Any]], asked: Iterable[tuple[int, int, int]]) -> Graph:
    shapes: dict[str, tuple[int, ...]] = {}
    item_bytes: dict[str, int] = {}
    given: dict[str, int] = {}
    operations: list[Operation] = []
    ends: dict[str, tuple[str, ...]] = {"inputs": (), "outputs": ()}

    def names(arrays: Any) -> tuple[str, ...]:
        for name, shape, dtype in arrays:
            shapes[name], item_bytes[name] = tuple(shape), dtype.size
        return tuple(name for name, _, _ in arrays)

    for one in told:
        kind = one["type"]
        if kind in ends:
            ends[kind] = names(one[kind])
        elif kind == "constants":
            names([(name, array.shape, array.dtype) for name, array in one["constants"]])
            given |= {name: array.nbytes for name, array in one["constants"]}
        elif kind == "primitive":
            state = tuple(one["arguments"]) if one["name"] in _STATES else ()
            operations.append(Operation(one["name"], names(one["inputs"]), names(one["outputs"]), state))
    outputs = iter(ends["outputs"])
    evaluations = tuple(Asked(tuple(next(outputs) for _ in range(count)), *when) for count, *when in asked)
    return Graph(shapes, item_bytes, frozenset(ends["inputs"]), given, tuple(operations), evaluations)


def _arrays(value: Any, array: Any) -> Generator[Any, None, None]:
    """The arrays in lists, dicts and dataclasses, each as a new handle: an assignment to a slice changes the old."""
    if isinstance(value, array):
        yield value.astype(value.dtype)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()), array)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays(item, array)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _arrays([getattr(value, field.name) for field in fields(value)], array)


class _Plain:
    """A function in place of `mx.custom_function`, which adds nothing but derivatives and is not exported."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def vjp(self, function: Any) -> Any:
        return function

    jvp = vmap = vjp


def one_kernel(shape: Iterable[int], dtype: Any, inputs: Iterable[Any]) -> Any:
    """An array that one kernel makes of others. The replay knows it by its Depends on an array without numbers."""
    mx: Any = import_module("mlx.core")
    nothing = mx.broadcast_to(mx.zeros((), dtype), tuple(shape))
    return mx.depends([nothing], [array for array in inputs if isinstance(array, mx.array)])[0]


@contextmanager
def _exportable(mx: Any, evaluated: Callable[..., None]) -> Generator[None, None, None]:
    """While open, what MLX does not export is put up by what it does, with arrays of the same sizes."""

    def joined(name: str) -> Callable[..., Any]:
        original = getattr(mx, name)

        def call(arrays: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
            pieces = list(arrays)
            if len(pieces) <= _MOST_PIECES:
                return original(pieces, *args, **kwargs)
            whole = original([mx.zeros(piece.shape, piece.dtype) for piece in pieces], *args, **kwargs)
            return one_kernel(whole.shape, whole.dtype, (pieces[0], pieces[-1]))

        return call

    dequantized = mx.dequantize

    def dequantize(w: Any, /, scales: Any, *args: Any, mode: str = "affine", **kwargs: Any) -> Any:
        if mode == "affine":
            return dequantized(w, scales, *args, **kwargs)
        width = w.shape[-1] * 32 // (kwargs.get("bits") or _BITS.get(mode, 4))
        return one_kernel((*w.shape[:-1], width), kwargs.get("dtype") or mx.bfloat16, (w, scales))

    def same(array: Any, *_: Any, **__: Any) -> Any:
        return array

    def from_fp8(array: Any, dtype: Any = mx.bfloat16, **_: Any) -> Any:
        return array.astype(dtype)

    stand_ins: dict[str, Any] = {
        "eval": evaluated,
        "async_eval": evaluated,
        "contiguous": same,
        "custom_function": _Plain,
        "concatenate": joined("concatenate"),
        "stack": joined("stack"),
        "from_fp8": from_fp8,
        "dequantize": dequantize,
    }
    mx.disable_compile()  # what is fused is not exported
    try:
        with replaced(mx, stand_ins):
            yield
    finally:
        if not os.environ.get("MLX_DISABLE_COMPILE"):
            mx.enable_compile()
