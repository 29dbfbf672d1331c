"""What mlx-lm's server loads with a model: an adapter and a draft model, held fast as the model is, and strictly.

mlx-lm refuses an adapter's tensor that has no place in the model, and says nothing of a place that has no tensor: such
an adapter would answer, in part or in whole, as the model does without it.
"""

from __future__ import annotations

from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ..backends.failure import printable
from ..backends.pinned_folder import Pinned, pinned
from ..backends.remote_code import refuse_model_file
from ..facts import safetensors
from ..facts.folder import is_shape
from ..problems import LoaderError
from .adapter import CONFIG, WEIGHTS
from .backend_server import Job

_OF_ADAPTERS = ("lora_a", "lora_b", "m")  # the last part of their names, as mlx-lm has them
_LENGTH = 200


class Companions(NamedTuple):
    """The folders that are held for an adapter and a draft model, None for none."""

    adapter: Pinned | None = None
    draft: Pinned | None = None

    def options(self) -> list[str]:
        """Return the words for mlx-lm's server."""
        named = (("--adapter-path", self.adapter), ("--draft-model", self.draft))
        return [word for option, held in named if held is not None for word in (option, str(held.path))]


def held(job: Job, stack: ExitStack) -> Companions:
    """Hold what the job names beside its model until `stack` closes. Raises LoaderError, as for the model itself."""

    def hold(folder: str | None, fingerprint: str | None, only: tuple[str, ...] | None = None) -> Pinned | None:
        return None if folder is None else stack.enter_context(pinned(Path(folder), fingerprint, only))

    # A folder in which somebody trained holds hundreds of adapters more, as they were on the way.
    adapter = hold(job.adapter, job.adapter_fingerprint, (CONFIG, WEIGHTS))
    found = Companions(adapter, hold(job.draft, job.draft_fingerprint))
    if found.draft is not None:
        if is_shape(found.draft.path):
            raise LoaderError("not_downloaded", "the weights of the draft model are not here", "mlxk-rules pull MODEL")
        refuse_model_file(found.draft.path)
    return found


def load_strictly(companions: Companions) -> None:
    """Have mlx-lm refuse an adapter that is not this model's, whole: it raises LoaderError adapter_mismatch then."""
    if companions.adapter is None:
        return
    utils: Any = import_module("mlx_lm.utils")
    load_adapters = utils.load_adapters
    file = companions.adapter.path / WEIGHTS

    def load(model: Any, path: str) -> Any:
        try:
            model = load_adapters(model, path)
        except Exception as error:
            lines = [line for line in map(printable, str(error).splitlines()) if line]
            # Where tensors are wrong its first line names the folder, and each other one a tensor.
            of_tensors = len(lines) > 1 and "tensors" in lines[0]
            raise _mismatch(lines[1] if of_tensors else f"{type(error).__name__}: {' '.join(lines)}") from None
        lacking = _places(model) - safetensors.read(file).tensors.keys()
        if lacking:
            raise _mismatch(f"{min(lacking)}: the model with this adapter's layers has it, and the adapter does not")
        return model

    utils.load_adapters = load


def check_draft(provider: Any) -> None:
    """Raise LoaderError draft_unsupported where mlx-lm would tell the model's cache from the draft model's wrongly."""
    if provider.draft_model is None:
        return
    caches = len(import_module("mlx_lm.models.cache").make_prompt_cache(provider.model))
    if caches != len(provider.model.layers):  # by which number mlx-lm cuts the two apart
        message = (
            f"mlx-lm drafts for models with a cache a layer; this one has {caches} for {len(provider.model.layers)}"
        )
        raise LoaderError("draft_unsupported", message, "ask without draft_model")


def _places(model: Any) -> set[str]:
    """Return the names of all that an adapter is to bring: of fully trained layers, which replace others, none."""
    flat: Any = import_module("mlx.utils").tree_flatten(model.parameters())
    # `m` is DoRA's only beside a lora_a of the same layer.
    names = {name for name, _ in flat}
    layers = {name.rpartition(".")[0] for name in names if name.endswith(".lora_a")}
    return {name for name in names if name.rpartition(".")[2] in _OF_ADAPTERS and name.rpartition(".")[0] in layers}


def _mismatch(what: str) -> LoaderError:
    message = f"the adapter does not fit the model: {what[:_LENGTH]}"
    return LoaderError("adapter_mismatch", message, "take one that was trained on this very model")
