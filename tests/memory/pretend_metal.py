"""Makes MLX's CPU build put up the graphs that it puts up on Metal, so that they can be replayed where there is none.

What Metal does in one kernel is one array here (working_memory.graph.one_kernel); nothing of it can be computed. The
conditions are those of mlx/fast.cpp and `use_fallback` in mlx/backend/metal/scaled_dot_product_attention.cpp, on a
chip with neural accelerators. Call `pretend` before mlx-lm or mlx-vlm are imported, in a process of its own.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
from mlxk_rules.loaders.dry_run.sizes.working_memory.graph import one_kernel

_PROMPT_SIZES = (64, 72, 80, 96, 128, 192, 256)
_TOKEN_SIZES = (64, 96, 128, 256)
_BITS = {"mxfp8": 8}

_attention, _packed, _gathered = mx.fast.scaled_dot_product_attention, mx.quantized_matmul, mx.gather_qmm


def attention(q: Any, k: Any, v: Any, *, scale: float, mask: Any = None, sinks: Any = None, **_: Any) -> Any:
    if not _is_fused(q, k, v, mask):
        return _attention(q, k, v, scale=scale, mask=mask, sinks=sinks)
    inputs = [q, k.astype(q.dtype), v.astype(q.dtype)]
    if isinstance(mask, mx.array):
        mask = mask if mask.dtype == mx.bool_ else mask.astype(q.dtype)
        inputs.append(mx.broadcast_to(mask, (*q.shape[:3], k.shape[2])))
    if q.shape[2] <= 8:
        return one_kernel((*q.shape[:3], v.shape[-1]), q.dtype, inputs)
    # Its output lies by tokens, then heads.
    return one_kernel((q.shape[0], q.shape[2], q.shape[1], v.shape[-1]), q.dtype, inputs).transpose(0, 2, 1, 3)


def _is_fused(q: Any, k: Any, v: Any, mask: Any) -> bool:
    tokens, size, keys = q.shape[2], q.shape[-1], k.shape[2]
    if tokens <= 8:
        known = (size == v.shape[-1] and size in _TOKEN_SIZES) or (size, v.shape[-1]) == (192, 128)
        return known and tokens <= keys and tokens * (q.shape[1] // k.shape[1]) <= 32
    causal = isinstance(mask, str)
    if size != v.shape[-1] or size not in _PROMPT_SIZES or (causal and tokens > keys):
        return False
    if size == 256 and causal and tokens >= 1024 and q.dtype != mx.float32:
        return True
    return size not in (192, 256)


def rms_norm(x: Any, weight: Any, eps: float, **_: Any) -> Any:
    return one_kernel(x.shape, _wider(x, weight), (x, weight))


def layer_norm(x: Any, weight: Any, bias: Any, eps: float, **_: Any) -> Any:
    return one_kernel(x.shape, _wider(x, weight), (x, weight, bias))


def _wider(x: Any, weight: Any) -> Any:
    return x.dtype if weight is None or weight.dtype == x.dtype else mx.float32


def rope(a: Any, dims: int, *, offset: Any, freqs: Any = None, **_: Any) -> Any:
    return one_kernel(a.shape, a.dtype, (a, offset, freqs))


def metal_kernel(*_: Any, **__: Any) -> Any:
    def call(*, inputs: Any, output_shapes: Any, output_dtypes: Any, **_: Any) -> Any:
        return [one_kernel(shape, dtype, inputs) for shape, dtype in zip(output_shapes, output_dtypes, strict=True)]

    return call


def quantized_matmul(
    x: Any, w: Any, /, scales: Any, biases: Any = None, transpose: bool = True, group_size: Any = None,
    bits: Any = None, mode: str = "affine", **_: Any,
) -> Any:  # fmt: skip
    if mode == "affine":
        return _packed(x, w, scales, biases, transpose=transpose, group_size=group_size, bits=bits)
    return one_kernel((*x.shape[:-1], _width(w, transpose, bits, mode)), x.dtype, (x, w, scales))


def gather_qmm(
    x: Any, w: Any, /, scales: Any, biases: Any = None, lhs_indices: Any = None, rhs_indices: Any = None,
    transpose: bool = True, group_size: Any = None, bits: Any = None, mode: str = "affine", **others: Any,
) -> Any:  # fmt: skip
    if mode == "affine":
        return _gathered(
            x, w, scales, biases, lhs_indices=lhs_indices, rhs_indices=rhs_indices, transpose=transpose,
            group_size=group_size, bits=bits, **others,
        )  # fmt: skip
    left = x.shape[:-2] if lhs_indices is None else lhs_indices.shape
    right = w.shape[:-2] if rhs_indices is None else rhs_indices.shape
    batch = np.broadcast_shapes(tuple(left), tuple(right))
    return one_kernel((*batch, x.shape[-2], _width(w, transpose, bits, mode)), x.dtype, (x, rhs_indices, w, scales))


def _width(w: Any, transpose: bool, bits: int | None, mode: str) -> int:
    return w.shape[-2] if transpose else w.shape[-1] * 32 // (bits or _BITS.get(mode, 4))


def pretend() -> None:
    device, stream, local, default = mx.cpu, mx.new_stream, mx.new_thread_local_stream, mx.default_stream
    for module, functions in {
        mx.metal: {"is_available": lambda: True},
        mx.fast: {
            "metal_kernel": metal_kernel,
            "scaled_dot_product_attention": attention,
            "rms_norm": rms_norm,
            "layer_norm": layer_norm,
            "rope": rope,
        },
        mx: {
            "quantized_matmul": quantized_matmul,
            "gather_qmm": gather_qmm,
            "default_device": lambda: mx.gpu,
            "new_stream": lambda _: stream(device),
            "new_thread_local_stream": lambda _: local(device),
            "default_stream": lambda _: default(device),
            "set_wired_limit": lambda *_: 0,
            "device_info": lambda *_: {
                "architecture": "applegpu_g17s",
                "memory_size": 128 << 30,
                "max_recommended_working_set_size": 108_000_000_000,
                "max_buffer_length": 80_000_000_000,
            },
        },
    }.items():
        for name, function in functions.items():
            setattr(module, name, function)
