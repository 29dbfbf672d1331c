"""Lists of tensors, short: `model.layers.{0-31}.mlp.up_proj.weight: [BF16, [14336, 4096]]` says 32 of them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .ranges import compact, spread

Tensor = tuple[str, tuple[int, ...]]
# By pattern, dtype and shape.
Rows = Mapping[str, Sequence[Any]]

SIZES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("BF16", "F16", "I16", "U16"), 2),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
}


@functools.cache
def nbytes(tensor: Tensor) -> int:
    return SIZES[tensor[0]] * math.prod(tensor[1])


def expand(rows: Rows) -> dict[str, Tensor]:
    """Every tensor, layer by layer as in published files; within a layer as the rows stand."""
    first: dict[str, int] = {}
    places: list[tuple[int, int, int, list[str], Tensor]] = []
    for number, (row, (dtype, shape)) in enumerate(rows.items()):
        tensor = (dtype, tuple(shape))
        for head, layer, names in _layers(row):
            places.append((first.setdefault(head, number), layer, number, names, tensor))
    places.sort(key=lambda place: place[:3])
    return {name: tensor for *_, names, tensor in places for name in names}


def _layers(row: str) -> Iterator[tuple[str, int, list[str]]]:
    """Its names by layer: `model.layers.{0-3}.mlp.up.weight` is of layers 0 to 3 of `model.layers`."""
    parts = row.split(".")
    at = next((at for at, part in enumerate(parts) if part.isdecimal() or part.startswith("{")), len(parts))
    head, layers, names = ".".join(parts[:at]), spread(".".join(parts[at : at + 1])), spread(row)
    if not layers[0].isdecimal():
        layers = ["0"]
    step = len(names) // len(layers)
    for number, layer in enumerate(layers):
        yield head, int(layer), names[number * step : (number + 1) * step]


def _by_layer(tensors: Mapping[str, Tensor]) -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    for name in tensors:
        ((head, layer, _),) = _layers(name)
        found.setdefault((head, layer), []).append(name)
    return found


def shards(tensors: Mapping[str, Tensor], limit: int) -> list[dict[str, Tensor]]:
    """The tensors in their order, each part as long as it stays within so many bytes, as the libraries cut them."""
    parts: list[dict[str, Tensor]] = []
    size = 0
    for name, tensor in tensors.items():
        if not parts or size + nbytes(tensor) > limit:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += nbytes(tensor)
    return parts


def rows_of(tensors: Mapping[str, Tensor]) -> Rows:
    """The other way: rows that `expand` makes these tensors of, each layer in the order it had where they agree."""
    rows = compact(tensors)
    row_of = {name: row for row in rows for name in spread(row)}
    layers = {layer: dict.fromkeys(row_of[name] for name in names) for layer, names in _by_layer(tensors).items()}
    before: dict[str, set[str]] = {row: set() for row in rows}
    heads: dict[str, dict[str, None]] = {}
    for (head, _), found in layers.items():
        heads.setdefault(head, {}).update(found)
        for one, other in itertools.pairwise(found):
            before[other].add(one)
    order: dict[str, None] = {}
    for waiting in heads.values():
        while waiting:
            # No row is free where two layers have two orders: then the first that came.
            row = next((row for row in waiting if not before[row] - order.keys()), next(iter(waiting)))
            del waiting[row]
            order[row] = None
    return {row: [rows[row][0], list(rows[row][1])] for row in order}
