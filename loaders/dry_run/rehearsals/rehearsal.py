"""One rehearsal in the child: how far the backend came, what it loaded, and where it gave up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from typing import Any

from ...backends.time_limit import TooLong, in_time
from .. import outcome
from ..sizes import prompt_sizes, settings

# Functions of the libraries: what fails in them fails for what config.json says, or for what the weights are.
_OF_CONFIG = frozenset(
    ("load_config", "_get_classes", "get_model_and_args", "get_model_class", "from_dict", "__post_init__", "__init__")
)
_OF_WEIGHTS = frozenset(("sanitize", "sanitize_weights", "load_weights", "_load_safetensors", "quantize"))

# Of the 60 that a dry run may take.
REPLAY_SECONDS = 25.0


class Rehearsal:
    """`phase` is where the backend is; `facts` what it has told so far; `model` what it has built, or None; `opened`
    whether all that belongs to a load went well; `inputs` what its processor made of the request."""

    def __init__(self, backend: str) -> None:
        self.facts = outcome.empty(backend, "ok")
        self.phase = "weights"
        self.model: Any = None
        self.config: Mapping[str, Any] = {}
        self.opened = False
        self.inputs: dict[str, Any] = {}

    def loaded(self, model: Any, config: Mapping[str, Any] | None, next_phase: str) -> None:
        """The backend has built the model: its sizes are known, and the next phase begins."""
        flatten: Any = import_module("mlx.utils").tree_flatten
        self.model, self.config, self.phase = model, config or {}, next_phase
        self.facts["load_bytes"] = sum(array.nbytes for _, array in flatten(model.parameters()))
        self.facts["model_type"] = _taken_for(model)
        self.facts["context_tokens"] = settings.context_tokens(self.config)
        if "ignored_config" in self.facts:
            self.facts["ignored_config"] = settings.ignored(model, self.config)

    def failed(self, error: BaseException, *paths: str) -> None:
        """The backend gave up."""
        self.facts |= {
            "status": "failed",
            "phase": _phase(self.phase, error),
            "reason": outcome.reason(error, *paths),
        }

    def tells(self, fact: str, of: Callable[[], Any]) -> None:
        """Tells a fact of the model that was loaded; null stays what cannot be told.

        A library that cannot call its model here (no Metal, a fault of its own) says nothing of the folder by that.
        """
        with suppress(Exception):
            self.facts[fact] = of()

    def working_memory(self, accelerator: str | None) -> None:
        """Tells what prompt and picture take in the model that was loaded."""
        if "prompt" not in self.facts:
            return
        self.tells("prompt", lambda: prompt_sizes.prompt(self.model, self.config, accelerator))
        if self.inputs:
            with suppress(Exception, TooLong), in_time(REPLAY_SECONDS):
                self._replay(accelerator)

    def _replay(self, accelerator: str | None) -> None:
        """Tells more exactly, in some seconds more, what a prompt with a picture takes."""
        memory: Any = import_module("..sizes.working_memory.estimate", __package__)
        prompt = memory.prompt_memory(self.model, accelerator)
        image = memory.image_bytes(self.model, self.inputs, accelerator, prompt)
        if prompt is not None and image is not None:
            self.facts |= {
                "prompt": {
                    "fixed_bytes": prompt.fixed,
                    "bytes_per_token": prompt.per_token,
                    "bytes_per_pair": prompt.per_pair,
                },
                "image_bytes": image,
            }


def _taken_for(model: Any) -> str:
    """The model type that the backend took the folder for: the module of its models that the class stands in."""
    parts = type(model).__module__.split(".")
    return parts[parts.index("models") + 1] if "models" in parts[:-1] else parts[-1]


def _phase(phase: str, error: BaseException) -> str:
    """A backend loads config and weights by one call, tokenizer and processor by another: the traceback tells which."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    names = {frame.f_code.co_name for frame in frames}
    if phase in ("weights", "processor") and any(_is_of_tokens(frame.f_code.co_filename) for frame in frames):
        return "tokenizer"
    if phase == "weights":
        if "post_load_hook" in names:  # mlx-audio's models bring what they need besides
            return "processor"
        return "config" if names & _OF_CONFIG and not names & _OF_WEIGHTS else "weights"
    return phase


def _is_of_tokens(file: str) -> bool:
    return "token" in Path(file).stem or "sentencepiece" in file
