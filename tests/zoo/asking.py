"""What the libraries themselves say of a folder, without a rule or a loader of ours: a lazy load reads no weights.

Everything here runs in a child process (retake.py). Of this project it uses the guard alone, so that no code of a
folder is run. The folder must be a copy: mlx-vlm rewrites the headers of F8_E8M0 files in place.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from mlxk_rules.loaders.backends.remote_code import no_remote_code

from .cache import cache_bytes

BACKENDS = ("mlx_lm", "mlx_vlm", "mlx_audio")
_WORDS = 160
# What a speech model calls what makes text of its numbers; none of it set is as good as none.
_SPEECH_PARTS = ("_processor", "processor", "_tokenizer", "tokenizer", "_token_list")

Truth = dict[str, Any]


def ask(backend: str, folder: Path) -> Truth:
    """`load`, `tokenizer` or `processor`, `bytes` and `cache` as README.md has them."""
    with no_remote_code(), _nothing_is_computed():
        return {"mlx_lm": _mlx_lm, "mlx_vlm": _mlx_vlm, "mlx_audio": _mlx_audio}[backend](folder)


def _mlx_lm(folder: Path) -> Truth:
    utils = import_module("mlx_lm.utils")
    loaded, words = _try(lambda: utils.load_model(folder, lazy=True, strict=True), folder)
    model, config = loaded or (None, {})
    eos = config.get("eos_token_id")
    _, tokenizer = _try(lambda: utils.load_tokenizer(folder, {"trust_remote_code": False}, eos_token_ids=eos), folder)
    said = {"load": words, "tokenizer": tokenizer}
    if model is None:
        return said
    make = import_module("mlx_lm.models.cache").make_prompt_cache
    return said | {"bytes": _nbytes(model)} | _cache(model, make, folder)


def _mlx_vlm(folder: Path) -> Truth:
    utils = import_module("mlx_vlm.utils")
    model, words = _try(lambda: utils.load_model(folder, lazy=True, trust_remote_code=False), folder)
    eos = getattr(getattr(model, "config", None), "eos_token_id", None)

    def processor() -> Any:
        image = utils.load_image_processor(folder, trust_remote_code=False)
        made = utils.load_processor(folder, True, eos_token_ids=eos, trust_remote_code=False)
        return made, image if image is not None else getattr(made, "image_processor", None)

    made, told = _try(processor, folder)
    said: Truth = {"load": words, "processor": told}
    if made and made[1] is not None:
        said["image_processor"] = type(made[1]).__name__
    if model is None:
        return said
    said["bytes"] = _nbytes(model)
    if (language := getattr(model, "language_model", None)) is not None:
        said |= _cache(language, import_module("mlx_vlm.models.cache").make_prompt_cache, folder)
    return said


def _mlx_audio(folder: Path) -> Truth:
    def load() -> Any:
        # The folder's name decides nothing here. Without a type in its config a folder has no type, but for NeMo's,
        # whose config has a target.
        config = import_module("mlx_audio.utils").load_config(folder)
        named = import_module("mlx_audio.registry").model_type_from_config(config)
        nemo = named is None and str(config.get("target")).startswith("nemo.collections.asr.models.")
        if named is None and not nemo:
            raise ValueError("config.json names no model_type")
        options = {"model_type": "parakeet"} if nemo else {}
        with _extra_is_no_failure():
            load = import_module("mlx_audio.stt").load_model
            return load(folder, lazy=True, strict=True, model_name_parts=[], **options)

    model, words = _try(load, folder)
    if model is None:
        return {"load": words}
    parts = [part for part in _SPEECH_PARTS if hasattr(model, part)]
    has = any(getattr(model, part) is not None for part in parts)
    return {"load": words} | ({"processor": "ok" if has else "none"} if parts else {}) | {"bytes": _nbytes(model)}


@contextmanager
def _extra_is_no_failure() -> Generator[None, None, None]:
    """A strict load that leaves out tensors without a place: published whisper has `alignment_heads`."""
    module: Any = import_module("mlx.nn").Module
    flatten: Any = import_module("mlx.utils").tree_flatten
    original = module.load_weights

    def load_weights(self: Any, weights: Any, strict: bool = True) -> Any:
        if strict and isinstance(weights, list):
            places = {name for name, _ in flatten(self.parameters())}
            weights = [(name, array) for name, array in weights if name in places]
        return original(self, weights, strict)

    module.load_weights = load_weights
    try:
        yield
    finally:
        module.load_weights = original


def _nothing(*_: Any) -> None:
    return None


@contextmanager
def _nothing_is_computed() -> Generator[None, None, None]:
    """Where a library asks for it after all, as mlx-vlm does for some FP8: that would read weights that are none."""
    mx: Any = import_module("mlx.core")
    kept = {name: getattr(mx, name) for name in ("eval", "async_eval")}
    for name in kept:
        setattr(mx, name, _nothing)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(mx, name, function)


def _try(do: Callable[[], Any], folder: Path) -> tuple[Any, str]:
    """What it gives and `ok`, or None and the first line of what went wrong."""
    try:
        return do(), "ok"
    except BaseException as error:  # mlx_lm.models.olmo calls sys.exit
        return None, words_of(error, folder)


def words_of(error: BaseException, folder: Path) -> str:
    """Without what differs from one machine to another."""
    text = f"{type(error).__name__}: {str(error).strip()}"
    for path, name in ((str(folder), "FOLDER"), (folder.name, "FOLDER"), (sys.prefix, "")):
        text = text.replace(path, name)
    return text.splitlines()[0].strip()[:_WORDS].strip()


def _nbytes(model: Any) -> int:
    return sum(array.nbytes for _, array in import_module("mlx.utils").tree_flatten(model.parameters()))


def _cache(model: Any, make: Callable[[Any], Any], folder: Path) -> Truth:
    """`cache`, bytes by tokens, or `no_cache`, why they are not known."""
    found, words = _try(lambda: cache_bytes(model, make), folder)
    return {"cache": found} if found is not None else {"no_cache": words}


def serve(pipe: Any) -> None:
    """Answers one (backend, folder) after another."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    # What a library prints is of no use, and a load that reads weights after all is ended, not swapped out.
    silent = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silent, number)
    _bound_memory(12 << 30)
    while True:
        try:
            backend, folder = pipe.recv()
        except EOFError:
            return
        pipe.send(ask(backend, Path(folder)))
        gc.collect()  # models are cycles, and a graph of many tensors is large


def _bound_memory(limit: int) -> None:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (OSError, ValueError):
        pass  # macOS knows no such limit
