"""What the installed libraries really take, told by their own classes; run as a program, prints one JSON object.

Nothing here is shared with loaders/*.supported, which reads source and imports nothing: this imports everything and
looks at classes and signatures. It needs a process of its own, because importing mlx_lm.models.olmo may end it.

    {"mlx_lm": {type: [...]}, "mlx_vlm": {...}, "mlx_audio": {...}}    what each type takes: "text", "images", "audio",
                                                                       or nothing, where it loads and writes no text
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any


def _names(package: str) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)]


def _mlx_lm() -> dict[str, list[str]]:
    utils = importlib.import_module("mlx_lm.utils")
    found: dict[str, list[str]] = {}
    for name in {*_names("mlx_lm.models"), *utils.MODEL_REMAPPING}:
        try:
            utils._get_classes({"model_type": name})
        except (Exception, SystemExit):  # a helper's module, or one that wants a package that is not there
            continue
        found[name] = ["text"]
    return found


def _mlx_vlm() -> dict[str, list[str]]:
    utils = importlib.import_module("mlx_vlm.utils")
    found: dict[str, list[str]] = {}
    for name in {*_names("mlx_vlm.models"), *utils.MODEL_REMAPPING}:
        package, _ = utils.get_model_and_args({"model_type": name})
        if not hasattr(package, "__path__"):
            continue  # a helper's module
        found[name] = _mlx_vlm_takes(package) if hasattr(package, "Model") else []
    return found


def _mlx_vlm_takes(package: ModuleType) -> list[str]:
    model, config = package.Model, package.ModelConfig
    embed = getattr(model, "get_input_embeddings", None)
    if embed is None or "pixel_values" not in inspect.signature(embed).parameters:
        return []
    if getattr(model, "decision_types", ()) or "EmbeddingOutput" in str(
        inspect.signature(model.__call__).return_annotation
    ):
        return []
    parts = [field.name for field in fields(config)] if is_dataclass(config) else []
    parts += [name for name in dir(package) if name[0].isupper()]

    def has(*words: str) -> bool:
        return any(word in part.lower() for part in parts for word in words)

    takes = ["text"] if _answers_without_images(embed) else []
    return takes + ["images"] * has("vision") + ["audio"] * has("audio", "sound")


def _answers_without_images(embed: Any) -> bool:
    """Calls the method itself without images: a model that cannot do without them says so at once."""
    from unittest.mock import MagicMock

    import mlx.core as mx

    try:
        embed(MagicMock(), mx.array([[1, 2]]), None)
    except ValueError as error:
        return "pixel_values" not in str(error)
    except Exception:
        return True  # a stand-in for the model went no further
    return True


def _mlx_audio(kind: str) -> dict[str, list[str]]:
    utils = importlib.import_module(f"mlx_audio.{kind}.utils")
    classes = importlib.import_module("mlx_audio.utils")
    found: dict[str, list[str]] = {}
    for name in {*_names(f"mlx_audio.{kind}.models"), *utils.MODEL_REMAPPING}:
        try:
            package, _ = classes.get_model_class(name, None, kind, utils.MODEL_REMAPPING)
        except Exception:  # two of them fetch a codec when imported, one wants a package that is not there
            found[name] = []
            continue
        if hasattr(package, "Model"):
            found[name] = ["audio"] if kind == "stt" and _transcribes(package.Model) else []
    return found


def _transcribes(model: Any) -> bool:
    generate = getattr(model, "generate", None)
    if generate is None:  # it hands on to a model inside; nn.Module's own __getattr__ does not count
        return any("__getattr__" in vars(one) for one in model.__mro__ if one.__module__.startswith("mlx_audio"))
    wanted = [one for one in list(inspect.signature(generate).parameters.values())[2:] if one.default is one.empty]
    return all(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in wanted)


if __name__ == "__main__":
    told = {
        "mlx_lm": _mlx_lm(),
        "mlx_vlm": _mlx_vlm(),
        "mlx_audio": _mlx_audio("stt"),
        "mlx_audio_tts": _mlx_audio("tts"),
    }
    # It stands in load_model's code, not in a table.
    if "nemotron_asr" in told["mlx_audio"]:
        told["mlx_audio"]["nemotron_asr_streaming"] = told["mlx_audio"]["nemotron_asr"]
    sys.stdout.write("\n" + json.dumps(told))
