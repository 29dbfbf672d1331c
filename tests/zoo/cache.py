"""How large a model's cache gets, by the library's own cache classes: nothing need be computed, the shapes tell."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

LENGTHS = (2048, 32768, 131072)
# A prompt goes in by such steps: a sliding window then holds one of them more than its size.
STEP = 2048
_FEW = 8

Fed = list[tuple[Any, ...]]


def cache_bytes(model: Any, make: Callable[[Any], Any]) -> dict[int, int]:
    """Bytes of all layers' caches at LENGTHS tokens; raises what the library raises."""
    mx = importlib.import_module("mlx.core")
    cache = make(model)
    watched = [(layer, _watched(layer)) for layer in layers(cache)]
    model(mx.zeros((1, _FEW), mx.int32), cache=cache)
    fed = [pieces for _, pieces in watched]
    state = sum(nbytes(layer, mx.array) for layer, pieces in watched if not pieces)
    if all(_is_keys_and_values(pieces) if pieces else _is_state(layer, mx.array) for layer, pieces in watched):
        # Nor may a cache hold what it was not fed.
        again = state + next(_fed_again(make(model), fed, _FEW, mx))
        if again == sum(nbytes(layer, mx.array) for layer, _ in watched):
            return _at_lengths(state + size for size in _fed_again(make(model), fed, STEP, mx))
    return _at_lengths(_called(model, make(model), mx))


def _at_lengths(sizes: Iterator[int]) -> dict[int, int]:
    return {
        step: size for step, size in zip(range(STEP, LENGTHS[-1] + 1, STEP), sizes, strict=False) if step in LENGTHS
    }


def _called(model: Any, cache: Any, mx: Any) -> Iterator[int]:
    """The bytes after each step, by calling the model on a prompt."""
    while True:
        model(mx.zeros((1, STEP), mx.int32), cache=cache)
        yield sum(nbytes(layer, mx.array) for layer in layers(cache))


def _fed_again(cache: Any, fed: list[Fed], step: int, mx: Any) -> Iterator[int]:
    """The bytes after each step, by feeding each layer's cache that many tokens of what it was fed, without the model.

    Ten times as fast; and a recurrent layer, whose state is the same at any length, would make a graph of each token.
    """
    growing = [(layer, pieces) for layer, pieces in zip(layers(cache), fed, strict=True) if pieces]
    while True:
        for layer, pieces in growing:
            if hasattr(layer, "maybe_trim_front"):
                layer.maybe_trim_front()  # as Llama-4 does before each step
            for piece in pieces:
                layer.update_and_fetch(*(mx.zeros((*a.shape[:-2], step, a.shape[-1]), a.dtype) for a in piece))
        yield sum(nbytes(layer, mx.array) for layer, _ in growing)


def _is_keys_and_values(pieces: Fed) -> bool:
    return all(len(piece) == 2 and all(array.shape[-2] == _FEW for array in piece) for piece in pieces)


def _is_state(layer: Any, array: type) -> bool:
    """Of a recurrent layer; or nothing is in it."""
    return "ArraysCache" in {kind.__name__ for kind in type(layer).__mro__} or not nbytes(layer, array)


def _watched(layer: Any) -> Fed:
    """A list that gets what the layer is fed."""
    pieces: Fed = []
    original = getattr(layer, "update_and_fetch", None)

    def update_and_fetch(*arrays: Any, **others: Any) -> Any:
        pieces.append(arrays)
        return original(*arrays, **others)  # type: ignore[misc]

    if original is not None:
        layer.update_and_fetch = update_and_fetch
    return pieces


def layers(cache: Any) -> Iterator[Any]:
    """The caches of one layer each, those inside of others too; a layer without one has None."""
    for layer in cache:
        inner = getattr(layer, "caches", None)
        if inner is not None:
            yield from layers(inner)
        elif layer is not None:
            yield layer


def nbytes(value: Any, array: type, seen: set[int] | None = None) -> int:
    """The bytes of all arrays below, each once."""
    seen = set() if seen is None else seen
    if id(value) in seen or callable(value):
        return 0
    seen.add(id(value))
    if isinstance(value, array):
        return value.nbytes if value.ndim else 0
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    else:
        inner = vars(value).values() if hasattr(value, "__dict__") else ()
    return sum(nbytes(item, array, seen) for item in inner)
