"""How arrays lie in memory: strides in numbers, and which of MLX's operations make a view, or need another layout."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from .graph import Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    Shape = Sequence[int]

_RESHAPES = frozenset(("Reshape", "Flatten", "Unflatten", "ExpandDims", "Squeeze"))
_STRETCHES = frozenset(("Broadcast", "BroadcastAxes"))
_SAME = frozenset(("Split", "AsStrided", "StopGradient", "Copy", "View", "NumberOfElements"))
# They share their input's memory; a reshape of what does not lie so is a copy.
VIEWS = frozenset(("Transpose", "Slice", *_RESHAPES, *_STRETCHES, *_SAME))
# Operations on each number, whose output may take the place of any input; of the first; and updates of the first.
OF_ALL = frozenset(
    {"Abs", "Add", "ArcCos", "ArcCosh", "ArcSin", "ArcSinh", "ArcTan", "ArcTan2", "ArcTanh", "BitwiseBinary"}
    | {"BitwiseInvert", "Ceil", "Conjugate", "Cos", "Cosh", "Divide", "Equal", "Erf", "ErfInv", "Exp", "Expm1", "Floor"}
    | {"FloorDivide", "Greater", "GreaterEqual", "Less", "LessEqual", "Log", "Log1p", "LogAddExp", "LogicalAnd"}
    | {"LogicalNot", "LogicalOr", "Maximum", "Minimum", "Multiply", "Negative", "NotEqual", "Power", "Remainder"}
    | {"Round", "Select", "Sigmoid", "Sign", "Sin", "Sinh", "Sqrt", "Square", "Subtract", "Tan", "Tanh"}
)
IN_PLACE = OF_ALL | {"AsType", "LayerNorm", "RMSNorm", "RoPE", "Scan", "Softmax"}
UPDATES = frozenset(("DynamicSliceUpdate", "MaskedScatter", "Scatter", "ScatterAxis", "SliceUpdate"))
_PRODUCTS = frozenset(("Matmul", "AddMM", "GatherMM", "BlockMaskedMM", "SegmentedMM"))
_PACKED_PRODUCTS = frozenset(("QuantizedMatmul", "GatherQMM", "QQMatmul"))


def count(shape: Shape) -> int:
    return prod(shape)


def rows(shape: Shape) -> tuple[int, ...]:
    """The strides of an array whose numbers lie in a row."""
    return tuple(prod(shape[at + 1 :]) for at in range(len(shape)))


def in_rows(shape: Shape, strides: Shape) -> bool:
    return all(size == 1 or own == row for size, own, row in zip(shape, strides, rows(shape), strict=True))


def dense(shape: Shape, strides: Shape) -> bool:
    """Whether the numbers lie side by side, in whatever order."""
    pairs = [(size, own) for size, own in zip(shape, strides, strict=True) if size > 1]
    return all(own for _, own in pairs) and sum((size - 1) * own for size, own in pairs) + 1 == prod(shape)


def numbers(shape: Shape, strides: Shape) -> int:
    """How many numbers there are behind it: what is broadcast lies there once."""
    return prod(size for size, own in zip(shape, strides, strict=True) if own)


def view(one: Operation, shape: Shape, strides: Shape, made: Shape) -> tuple[int, ...] | None:
    """The strides of a view of the shape `made`; None where MLX makes a copy of it."""
    if one.name == "Transpose":
        return tuple(strides[axis] for axis in one.state[0])
    if one.name == "Slice":
        return tuple(own * step for own, step in zip(strides, one.state[2], strict=True))
    if one.name in _STRETCHES:
        before = len(made) - len(shape)
        pairs = zip(made[before:], shape, strides, strict=True)
        return (*[0] * before, *(own if new == old else 0 for new, old, own in pairs))
    if one.name in _RESHAPES:
        return _reshaped(shape, strides, made)
    return tuple(strides) if tuple(shape) == tuple(made) or one.name == "Split" else rows(made)


def _reshaped(shape: Shape, strides: Shape, made: Shape) -> tuple[int, ...] | None:
    """prepare_reshape in mlx/backend/common/utils.cpp: axes that lie in one another are one, and are cut anew."""
    runs: list[tuple[int, int]] = []
    for size, own in zip(shape, strides, strict=True):
        if size != 1 and runs and runs[-1][1] == size * own:
            runs[-1] = (runs[-1][0] * size, own)
        elif size != 1:
            runs.append((size, own))
    found: list[int] = []
    left, inner = 1, 1
    for size in made:
        if size == 1:
            found.append(1)
            continue
        if left == 1:
            if not runs:
                return None
            left, inner = runs[0][0], runs[0][0] * runs[0][1]
            runs = runs[1:]
        if size == 0 or left % size:
            return None
        left, inner = left // size, inner // size
        found.append(inner)
    return tuple(found)


def copied(one: Operation, shapes: Sequence[Shape], strides: Sequence[Shape], is_gpu: bool) -> list[int]:
    """The places of those inputs that the operation copies first, since its kernel reads them in a row.

    check_transpose and ensure_row_contiguous in mlx/backend/{cpu,metal}/matmul.cpp and quantized.cpp; copy_unless in
    mlx/backend/metal/scaled_dot_product_attention.cpp.
    """
    if one.name in _PRODUCTS:
        return [at for at in range(2) if not _is_matrix(shapes[at], strides[at], is_gpu)]
    if one.name in _PACKED_PRODUCTS:
        return [] if in_rows(shapes[0], strides[0]) else [0]
    if one.name == "CustomKernel":
        return [at for at, shape in enumerate(shapes) if not in_rows(shape, strides[at])]
    if one.name in ("ScaledDotProductAttention", "Depends"):
        # A mask that is one number for all is not written down in the graph, and is here, for each head.
        return [
            at
            for at, shape in enumerate(shapes)
            if len(shape) == 4 and shape[-1] > 1 and strides[at][-1] != 1 and (at or one.name != "Depends")
        ]
    return []


def _is_matrix(shape: Shape, strides: Shape, is_gpu: bool) -> bool:
    if len(shape) < 2:
        return True
    outer, inner = strides[-2:]
    if is_gpu:
        return inner == 1 or outer == 1
    return (inner == 1 and outer == shape[-1]) or (outer == 1 and inner == shape[-2])


def unfolded(shapes: Sequence[Shape], made: Shape, is_gpu: bool) -> int:
    """How many numbers a convolution writes down to be a product of matrices: 0 where its kernel needs none.

    mlx/backend/cpu/conv.cpp copies the padded input, and unfolds it; dispatch_conv_2D_gpu and dispatch_conv_3D_gpu in
    mlx/backend/metal/conv.cpp do so only for channels that fit no kernel, and pad those of three dimensions.
    """
    given, weight = shapes[0], shapes[1]
    patches = prod(made[:-1]) * prod(weight[1:])
    if not is_gpu:
        return patches + prod(given)
    channels = weight[-1]
    if len(made) == 5:
        return prod(given[:-1]) * (-(-channels // 16) * 16) if channels % 16 else 0
    return 0 if channels <= 4 or channels % 16 == 0 else patches
