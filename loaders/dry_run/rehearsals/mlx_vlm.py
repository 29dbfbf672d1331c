"""mlx-vlm's own word on a folder: the loader's own load, then a message and what goes with it through its processor."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from ...backends import mlx_vlm as backend
from ...backends.request import Request
from ...backends.time_limit import TooLong, in_time
from ..sizes import cache_sizes
from .rehearsal import Rehearsal
from .stand_ins import Computes, nothing_computed, stopping, watched

_SECONDS = 5.0


def rehearse(folder: Path, request: Request, rehearsal: Rehearsal) -> None:
    """Does what `run` would do, up to the first computation. Raises whatever the library raises."""
    utils = import_module("mlx_vlm.utils")

    def loaded(model: Any) -> None:
        rehearsal.loaded(model, utils.load_config(folder), "processor")
        # Now: a picture's positions stay in the model.
        rehearsal.tells("cache", lambda: cache_sizes.sizes(model.language_model, "mlx_vlm"))
        rehearsal.facts["left_out"] = sorted(name for name in named if name not in model)

    named: list[str] = []

    def building(model: Any, *_: Any) -> None:
        # All parts of the model are there; it drops those for which there are no weights, and goes on.
        named.extend(model)

    with (
        watched(utils, "_drop_modules_without_weights", called=building),
        watched(utils, "load_model", loaded),
        nothing_computed(),  # which a load of some FP8 does, lazy or not
    ):
        opened = backend.open_model(folder, lazy=True)
    rehearsal.opened = True
    text = _inputs(opened, replace(request, images=(), audio=()), rehearsal)
    if request.images or request.audio:
        whole = _inputs(opened, request, rehearsal)
        if request.images and text and whole:
            rehearsal.inputs = whole
            rehearsal.facts["image_tokens"] = max(0, whole["input_ids"].size - text["input_ids"].size)
            _put_together(opened[0], whole)


def _put_together(model: Any, inputs: dict[str, Any]) -> None:
    """Has the model put picture and prompt together, without computing: it says where their numbers do not match.

    Raises ValueError where the library does; whatever else happens there says nothing of the folder.
    """
    ids, pixels, *_ = inputs.values()
    others = {name: value for name, value in inputs.items() if name not in ("input_ids", "pixel_values")}
    with suppress(TooLong), in_time(_SECONDS), nothing_computed():
        try:
            model.get_input_embeddings(ids, pixels, **others)
        except ValueError as error:
            raise ValueError(f"picture and message do not match: {error}") from error
        except Exception:
            return


def _inputs(opened: Any, request: Request, rehearsal: Rehearsal) -> dict[str, Any]:
    """What template and processor make of a request: all that would go into the model; nothing where it is not asked.

    A model that is asked for no embeddings of its input (diffusion) stops at its first part.
    """
    model, _ = opened
    rehearsal.phase = "template"
    found: dict[str, Any] = {}

    def embeds(input_ids: Any, pixel_values: Any = None, **others: Any) -> Any:
        found.update({"input_ids": input_ids, "pixel_values": pixel_values, **others})
        raise Computes

    def templated(_: Any) -> None:
        rehearsal.phase = "processor"

    model.get_input_embeddings = embeds
    try:
        with watched(import_module("mlx_vlm.prompt_utils"), "apply_chat_template", templated), stopping(model):
            list(backend.generate(opened, request))
    except Computes:
        pass
    finally:
        del model.get_input_embeddings
    return found
