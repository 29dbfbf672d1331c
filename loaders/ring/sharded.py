"""A rank's share of a model, by mlx-lm's own sharded_load, and never one with a tensor that no file held.

sharded_load does not load strictly (mlx-lm 0.32.2): a tensor that no file holds keeps the random numbers that it was
made with, and the answer is wrong without a word. So what the files gave is held against what the share needs.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from ..dry_run.rehearsals.stand_ins import replaced
from ..problems import LoaderError

Split = Literal["tensor", "pipeline"]


def ring_of(hostfile: Path) -> Any:
    """The group of all ranks, once each reached the others. Raises RuntimeError where one does not."""
    os.environ["MLX_HOSTFILE"] = str(hostfile)  # MLX_RANK stands there already
    return import_module("mlx.core").distributed.init(strict=True, backend="ring")


def told_by_all(message: bytes, group: Any) -> list[bytes]:
    """The message of every rank, in their order; all are of the same length."""
    mx = import_module("mlx.core")
    mine = mx.array(list(message), dtype=mx.uint8)
    told = bytes(mx.distributed.all_gather(mine, group=group, stream=mx.cpu))
    return [told[at : at + len(message)] for at in range(0, len(told), len(message))]


def open_share(folder: Path, split: Split | None, group: Any) -> Any:
    """Model and tokenizer of this rank's share; without a `split` as mlx-lm chooses, tensor where the type can.

    Raises LoaderError missing_tensors, or whatever mlx-lm raises.
    """
    groups = {f"{split}_group": group} if split is not None else {}
    with loads_seen() as seen:
        load = import_module("mlx_lm.utils").sharded_load
        model, tokenizer = load(str(folder), **groups, tokenizer_config={"trust_remote_code": False})
    refuse_missing(model, *seen[-1])
    return model, tokenizer


def refuse_missing(model: Any, wanted: dict[str, Any], given: dict[str, Any]) -> None:
    """Raises LoaderError missing_tensors where a tensor of this share is not one that the files held.

    `wanted` and `given` are the shapes, by name, that the whole model wants and that the files gave.
    """
    if getattr(getattr(model, "model", None), "pipeline_size", 1) > 1:  # the layers of others are gone from it by now
        here = _shapes(model)
        wanted = {name: shape for name, shape in wanted.items() if name in here}
    missing = sorted(wanted.keys() - given.keys())
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        message = f"no weight file holds `{missing[0]}`{more}, which its share needs"
        raise LoaderError("missing_tensors", message, "have the whole model on that host: download it again")
    other = sorted(name for name, shape in wanted.items() if given[name] != shape)
    if other:
        message = f"`{other[0]}` has the shape {list(given[other[0]])}, and {list(wanted[other[0]])} is wanted"
        raise LoaderError("missing_tensors", message, "download the model again")


@contextmanager
def loads_seen() -> Generator[list[tuple[dict[str, Any], dict[str, Any]]], None, None]:
    """While open, each load of weights notes the shapes that the model wants and those that it is given, by name."""
    module: Any = import_module("mlx.nn").Module
    load_weights = module.load_weights
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def load_and_note(self: Any, weights: Any, strict: bool = True) -> Any:
        if not isinstance(weights, str):
            seen.append((_shapes(self), {name: tuple(value.shape) for name, value in weights}))
        return load_weights(self, weights, strict)

    with replaced(module, {"load_weights": load_and_note}):
        yield seen


def _shapes(model: Any) -> dict[str, Any]:
    flatten = import_module("mlx.utils").tree_flatten
    return {name: tuple(value.shape) for name, value in flatten(model.parameters())}
