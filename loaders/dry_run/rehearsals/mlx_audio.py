"""mlx-audio's own word on a folder: the loader's own load, then a second of sound up to the model's first layer."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from ...backends import mlx_audio as backend
from ...backends.request import Request
from .rehearsal import Rehearsal
from .stand_ins import Computes, stopping, watched


def rehearse(folder: Path, request: Request, rehearsal: Rehearsal) -> None:
    """Does what `run` would do, up to the first computation. Raises whatever the library raises."""
    utils = import_module("mlx_audio.utils")
    stt = import_module("mlx_audio.stt.utils")
    with watched(stt, "base_load_model", lambda model: rehearsal.loaded(model, utils.load_config(folder), "processor")):
        model = backend.open_model(folder, lazy=True)
    rehearsal.opened = True
    # A processor without the tokenizer's files is built all the same, and spells nothing.
    tokenizer: Any = getattr(getattr(model, "_processor", None), "tokenizer", None)
    if tokenizer is not None and not tokenizer.encode(request.prompt, add_special_tokens=False):
        rehearsal.phase = "tokenizer"
        raise ValueError("its tokenizer makes no token of any text")
    if request.audio:
        try:
            with stopping(model):
                list(backend.generate(model, request))
        except Computes:
            pass
