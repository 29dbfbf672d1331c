"""mlx-lm's own word on a folder: the loader's own load, then a message through its template and tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ...backends import mlx_lm as backend
from ...backends.request import Request
from ..sizes import cache_sizes
from .rehearsal import Rehearsal
from .stand_ins import replaced, watched


def rehearse(folder: Path, request: Request, rehearsal: Rehearsal) -> None:
    """Does what `run` would do, up to the first computation. Raises whatever the library raises."""
    utils = import_module("mlx_lm.utils")

    def loaded(result: Any) -> None:
        model, config = result
        rehearsal.loaded(model, config, "tokenizer")
        rehearsal.tells("cache", lambda: cache_sizes.sizes(model, "mlx_lm"))

    with watched(utils, "load_model", loaded):
        opened = backend.open_model(folder, lazy=True)
    rehearsal.opened = True
    rehearsal.phase = "template"
    with replaced(import_module("mlx_lm"), {"stream_generate": _generates_nothing}):
        list(backend.generate(opened, request))


def split(folder: Path, ranks: Sequence[int], accelerator: str | None, rehearsal: Rehearsal) -> None:
    """Has mlx-lm build the model alone, and split it among each of so many ranks: `shares` beside the usual facts.

    Raises whatever the library raises while it builds.
    """
    shares = import_module("..sizes.shares", __package__).shares
    rehearsal.facts["shares"] = None
    model, config = import_module("mlx_lm.utils").load_model(folder, lazy=True)
    rehearsal.loaded(model, config, "weights")
    rehearsal.facts["shares"] = shares(model, config, ranks, accelerator)


def _generates_nothing(_: Any, tokenizer: Any, prompt: Any, **__: Any) -> Iterator[Any]:
    if isinstance(prompt, str):  # as mlx-lm's own does first
        tokenizer.encode(prompt)
    return iter(())
