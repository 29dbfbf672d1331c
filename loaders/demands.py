"""What each backend demands of config.json beyond the model type: keys that its argument classes cannot do without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import arguments, source
from .source import Class

_PARTS = ("text", "vision", "perceiver", "projector", "audio")


def mlx_lm(package: Path, config: Mapping[str, Any] | None) -> list[str] | None:
    """Keys that mlx-lm's ModelArgs for this type lacks; None where it cannot be told."""
    values = dict(config or {})
    file = mlx_lm_module(package, values)
    found = source.find_class(file, "ModelArgs", package) if file else None
    if file is None or found is None:
        return None
    read = arguments.arguments(found, package, values)
    if read is None or read.form == "copy":
        return None
    if read.form == "whole" and "text_config" not in values:
        lacking = [name for name in read.required if name not in values and name != "text_config"]
        inner = _text_missing(file, package, values)
        return None if inner is None else [*lacking, *inner]
    lacking = [name for name in read.required if name not in values]
    if "text_config" in read.fields and "text_config" in values:
        inner = _text_missing(file, package, values["text_config"])
        given = re.findall(
            r"""self\.text_config(?:\[|\.setdefault\()\s*["'](\w+)["']""",
            source.method(found, "__post_init__", package),
        )
        # Where the inner class cannot be read, what the outer lacks is still certain.
        lacking += [f"text_config.{name}" for name in inner or [] if name not in given]
    return lacking


def mlx_lm_module(package: Path, config: Mapping[str, Any]) -> Path | None:
    """The file of mlx_lm/models that has this config's Model."""
    model_type = config.get("model_type")
    text = source.read(package / "utils.py")
    # A second table goes by type and architecture; the types in it are few, and not told.
    if not isinstance(model_type, str) or re.search(rf"""\(\s*["']{re.escape(model_type)}["']\s*,\s*["']""", text):
        return None
    name = source.table(text, "MODEL_REMAPPING").get(model_type, model_type)
    return _module(package / "models", name, ".py")


def mlx_vlm(package: Path, config: Mapping[str, Any] | None) -> list[str] | None:
    """Keys that mlx-vlm's ModelConfig and the configs of its parts lack; None where it cannot be told."""
    values = dict(config or {})
    file = mlx_vlm_module(package, values)
    found = _config_class(file, "ModelConfig", package) if file else None
    if file is None or found is None:
        return None
    read = arguments.arguments(found, package, values)
    if read is None:
        return None
    # As mlx_vlm.utils.load_model does before it asks the class.
    values.setdefault("text_config", values.pop("llm_config", {}))
    values.setdefault("vision_config", {})
    values.setdefault("audio_config", {})
    if read.form == "top":
        values["text_config"] = {key: item for key, item in values.items() if key != "vision_config"}
    elif read.form not in ("plain", "copy"):
        return None
    lacking = [name for name in read.required if name not in values]
    for part in _PARTS:
        key = f"{part}_config"
        if key not in read.fields or values.get(key) is None:
            continue
        inner = arguments.missing(_config_class(file, f"{part.title()}Config", package), package, values[key])
        top = part == "text" and read.form == "top"
        lacking += [name if top else f"{key}.{name}" for name in inner or []]
    return lacking


def mlx_vlm_module(package: Path, config: Mapping[str, Any]) -> Path | None:
    """The __init__.py of mlx_vlm/models that has this config's Model."""
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or config.get("dflash_config") is not None:
        return None
    lowered = model_type.lower()
    name = source.table(source.read(package / "utils.py"), "MODEL_REMAPPING").get(lowered, lowered)
    return _module(package / "models", name, "/__init__.py")


def mlx_audio(package: Path, config: Mapping[str, Any] | None) -> list[str] | None:
    """Keys that mlx-audio's ModelConfig for this speech-to-text type lacks; None where it cannot be told."""
    values = dict(config or {})
    file = mlx_audio_module(package, values)
    found = _config_class(file, "ModelConfig", package) if file else None
    return arguments.missing(found, package, values)


def mlx_audio_module(package: Path, config: Mapping[str, Any]) -> Path | None:
    """The __init__.py of mlx_audio/stt/models that has this config's Model."""
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        return None
    name = source.table(source.read(package / "stt/utils.py"), "MODEL_REMAPPING").get(model_type, model_type)
    return _module(package / "stt/models", name, "/__init__.py")


def _module(folder: Path, name: str, ending: str) -> Path | None:
    if not name or "\0" in name or "/" in name or len(name) > 200 or name.startswith("."):
        return None  # it becomes part of a path
    file = folder / f"{name}{ending}"
    return file if file.is_file() else None


def _config_class(file: Path, name: str, package: Path) -> Class | None:
    """A class by the name that a module binds, an alias (`ModelConfig = ModelDimensions`) followed."""
    found = source.find_class(file, name, package)
    if found:
        return found
    bound = source.names_in(source.read(file))
    origin = bound.get(name)
    target = source.module_file(file, origin, package) if origin else file
    if target and (alias := re.search(rf"^{name}\s*=\s*(\w+)\s*$", source.read(target), re.MULTILINE)):
        return source.find_class(target, alias.group(1), package)
    return None


def _text_missing(file: Path, package: Path, text_config: Any) -> list[str] | None:
    """What the language part of a multimodal model of mlx-lm lacks: of the one class that it hands text_config to."""
    text = source.read(file)
    classes = set(re.findall(r"(\w+)\.ModelArgs\.from_dict\(\s*args\.text_config\s*\)", text))
    origin = source.names_in(text).get(next(iter(classes))) if len(classes) == 1 else None
    if origin is None or origin.dots != 1 or origin.module:
        return None
    inner = _module(package / "models", origin.name, ".py")
    found = source.find_class(inner, "ModelArgs", package) if inner else None
    return arguments.missing(found, package, text_config)


MISSING = {"mlx_lm": mlx_lm, "mlx_vlm": mlx_vlm, "mlx_audio": mlx_audio}
MODULE = {"mlx_lm": mlx_lm_module, "mlx_vlm": mlx_vlm_module, "mlx_audio": mlx_audio_module}
