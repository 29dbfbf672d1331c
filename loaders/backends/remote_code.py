"""Nothing that a model folder holds is executed.

What the backends do of their own (mlx-lm 0.32.2, mlx-vlm 0.7.10, mlx-audio 0.6.2, transformers 5.23):

- mlx-vlm imports the file that config's `model_file` names, unasked; mlx-lm refuses it; mlx-audio ignores it.
- mlx-vlm (for some fifty model types) and mlx-audio (for a dozen) hand `trust_remote_code=True` to transformers, hard
  coded, so that an `auto_map` in the folder runs; mlx-lm hands nothing, and transformers then asks on stdin.

So `model_file` is refused here, before a backend is imported, and transformers is told for the time of a load and a
generation that nobody trusts anything. An `auto_map` by itself is no reason to refuse: most folders that have one also
name a class that transformers brings along, and that one is then taken.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

from .. import bounded_files
from ..problems import LoaderError
from .read_once import models_read_once

MAX_CONFIG_BYTES = 64 << 20
# What no backend is given of a folder: by name, in lower case.
_CODE_AND_PICKLES = (
    "*.py", "*.pyc", "*.so", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.gguf", "*.onnx*",
)  # fmt: skip
_HELP = "a model that needs code from its own folder is never run here; look for a conversion that does not"

# The guard is open while this holds something; the list collects what was refused.
_open: list[list[str]] = []


def is_code_or_pickle(name: str) -> bool:
    """Whether a file of a folder, by its path in it, is one that no backend is given."""
    return any(fnmatchcase(name.rsplit("/", 1)[-1].lower(), pattern) for pattern in _CODE_AND_PICKLES)


def refuse_model_file(folder: Path) -> None:
    """Raises LoaderError remote_code where config.json names a Python file that a backend might import.

    And unreadable_config where it is there and cannot be read.
    """
    try:
        # Read whole: a backend reads it whole, and a key at its end counts.
        config: object = json.loads(bounded_files.read(folder / "config.json", MAX_CONFIG_BYTES))
    except (FileNotFoundError, ValueError):
        return  # no backend gets past a config.json that is not JSON either
    except OSError as error:
        message = f"config.json cannot be read: {bounded_files.reason(error)}"
        raise LoaderError("unreadable_config", message, "make it a file that this user may read") from error
    except RecursionError as error:
        raise LoaderError("backend_failed", "config.json is nested too deeply") from error
    if isinstance(config, dict) and (file := cast("dict[str, object]", config).get("model_file")):
        raise LoaderError("remote_code", f"config.json asks to run `{file!s:.100}` from the model folder", _HELP)


@contextmanager
def no_remote_code() -> Generator[list[str], None, None]:
    """While open, transformers runs no code of a folder or a repository, whatever a backend tells it.

    Gives a list that fills with a line for each refusal: backends swallow exceptions, so it tells why a load failed.
    """
    refused: list[str] = []
    _open.append(refused)
    try:
        _install()
        yield refused
    finally:
        _open.remove(refused)


def refusal(refused: list[str]) -> LoaderError:
    """The error for a load that failed after these refusals."""
    return LoaderError("remote_code", f"the model needs code from its own folder: {refused[0]}", _HELP)


def _install() -> None:
    """Wraps the two places in transformers where all such code passes. Done once; the wrappers act in a guard only."""
    try:
        dynamic = importlib.import_module("transformers.dynamic_module_utils")
    except ImportError:
        return  # no transformers, so none of its remote code either
    models_read_once()  # here, since nothing imports transformers before
    for name, wrap in (
        ("resolve_trust_remote_code", _never_trust),
        ("get_cached_module_file", _never_fetch),
        ("get_class_in_module", _never_fetch),
    ):
        original = getattr(dynamic, name)
        if hasattr(original, "mlxk_original"):
            continue
        wrapped = wrap(original)
        wrapped.__dict__["mlxk_original"] = original
        # Modules that were imported earlier hold the function under their own name.
        for module in list(sys.modules.values()):
            space: dict[str, Any] = getattr(module, "__dict__", {})
            if space.get(name) is original:
                space[name] = wrapped


def _never_trust(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_trust_remote_code(trust_remote_code: object, model_name: object, *args: Any, **kwargs: Any) -> Any:
        if not _open:
            return original(trust_remote_code, model_name, *args, **kwargs)
        try:
            return original(False, model_name, *args, **kwargs)
        except Exception:
            _open[-1].append("a class that only its auto_map names")
            raise

    return resolve_trust_remote_code


def _never_fetch(original: Callable[..., Any]) -> Callable[..., Any]:
    def refused(*args: Any, **kwargs: Any) -> Any:
        if not _open:
            return original(*args, **kwargs)
        _open[-1].append("a module that its auto_map names")
        raise ImportError("code from a model folder is never run here")

    return refused
