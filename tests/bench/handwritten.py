"""rules/2.0.4.yaml as a person would write it in Python for speed: plain ifs, only what the answer needs, early exits.

It is what the engine is measured against, so it is not slowed down on purpose anywhere: decisions without a message
are made once, tables are frozensets, nothing is asked twice, and facts are trusted to be as `probe` returns them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlxk_rules.engine.decision import Decision, PolicyName

Facts = dict[str, Any]
Detector = Callable[[Facts], Any]

POLICY = PolicyName(name="mlx", version="2.0.4")
MEMORY_RATIO = 0.70
VISION_TYPES = frozenset(
    ("llava", "llava_next", "pixtral", "qwen2_vl", "phi3_v", "mllama", "paligemma", "idefics", "smolvlm")
)
IMAGE_FILES = frozenset(("preprocessor_config.json", "processor_config.json", "image_processor_config.json"))
LEGACY = re.compile(r"(?:weights\.|pytorch_model-)[0-9]+\.safetensors").fullmatch
CURRENT = re.compile(r"model(?:-[0-9]{5}-of-[0-9]{5})?\.safetensors").fullmatch
TEXT = Decision("allow", "mlx_lm", "text", None, None, None, POLICY)
VISION = Decision("allow", "mlx_vlm", "vision", None, None, None, POLICY)
SPEECH = Decision("allow", "mlx_audio", "audio-speech", None, None, None, POLICY)


def is_vision(facts: Facts) -> bool:
    model = facts["model"]
    kind = model["type"]
    if kind is not None and kind.lower() in VISION_TYPES:
        return True
    config = facts["config"]
    if config is not None:
        if config.get("image_processor"):
            return True
        settings = config.get("preprocessor_config")
        if isinstance(settings, dict) and _is_of_stills(settings):
            return True
    found = False
    for file in model["files"]:
        if file.endswith("processor_config.json"):
            if file == "video_preprocessor_config.json":
                return False
            found = found or file.rpartition("/")[2] in IMAGE_FILES
    if not found:
        return False
    preprocessor = facts["preprocessor"]
    return preprocessor is None or _is_of_stills(preprocessor)


def _is_of_stills(settings: dict[str, Any]) -> bool:
    return settings.get("processor_class") != "AutoVideoProcessor" and "temporal_patch_size" not in settings


def is_audio(facts: Facts) -> bool:
    config = facts["config"]
    if config is None:
        if facts["config_status"] == "not_an_object" and facts["config_has_content"]:
            return False
    elif "audio_config" in config:
        return True
    kind = facts["model"]["type"]
    if kind is not None:
        kind = kind.lower()
        if "audio" in kind or "whisper" in kind or "voxtral" in kind or "gemma3n" in kind or "vibevoice" in kind:
            return True
    if _has_whisper_features(facts):
        return True
    processor = facts["processor"]
    return processor is not None and "audio_seq_length" in processor


def _has_whisper_features(facts: Facts) -> bool:
    preprocessor = facts["preprocessor"]
    if preprocessor is None:
        return False
    extractor = preprocessor.get("feature_extractor_type")
    return isinstance(extractor, str) and "whisper" in extractor.lower()


def audio_backend(facts: Facts) -> str | None:
    """Of a model that `is_audio`."""
    if facts["config_status"] != "ok":
        return None
    config, model = facts["config"], facts["model"]
    kind = (model["type"] or "").lower()
    if kind == "voxtral":
        return "mlx_audio"
    has_audio_config = "audio_config" in config
    if has_audio_config:
        vision_config = config.get("vision_config")
        if vision_config and isinstance(vision_config, dict):
            return "mlx_vlm"
    if "whisper" in kind or _has_whisper_features(facts):
        return "mlx_audio"
    folder = model["folder"].lower()
    if "whisper" in folder or "voxtral" in folder or "vibevoice" in folder:
        return "mlx_audio"
    return "mlx_vlm" if has_audio_config else None


def framework(facts: Facts) -> str:
    """Of a model that is not `is_vision`."""
    model = facts["model"]
    if "mlx-community/" in model["name"]:
        return "MLX"
    readme = facts["readme"]
    for tag in readme["tags"]:
        if tag.lower() == "mlx":
            return "MLX"
    library = readme["library_name"]
    if library is not None and library.lower() == "mlx":
        return "MLX"
    config = facts["config"]
    if config is not None and "quantization" in config:
        return "MLX"
    for file in model["files"]:
        if file.endswith(".gguf"):
            return "GGUF"
    return "PyTorch" if model["snapshots_hold_weights"] else "Unknown"


def runtime_refusal(facts: Facts) -> tuple[str, str] | None:
    """Why mlx-lm cannot load a model that is not `is_vision`, and its framework."""
    made_for = framework(facts)
    if made_for != "MLX":
        return "its files are not in MLX's format", made_for
    model = facts["model"]
    files = model["files"]
    if any(map(LEGACY, files)) and not any(map(CURRENT, files)):
        return "its weight files have names of an old format", made_for
    config = facts["config"]
    if config is None:
        status = facts["config_status"]
        if status == "not_an_object":
            return None
        if status == "missing":
            return "it has no config.json", made_for
        if status in ("unreadable", "invalid"):
            return "its config.json cannot be read", made_for
        return "its config.json has no model_type", made_for
    if not config.get("model_type"):
        return "its config.json has no model_type", made_for
    if model["type"] not in facts["runtime"]["mlx_lm"]["model_types"]:
        return "the installed mlx-lm does not know its model type", made_for
    return None


def is_large(facts: Facts) -> bool:
    total = facts["memory"]["total_bytes"]
    return bool(total) and facts["model"]["size_bytes"] / total > MEMORY_RATIO


def decide(
    facts: Facts,
    is_vision: Detector = is_vision,
    is_audio: Detector = is_audio,
    audio_backend: Detector = audio_backend,
    runtime_refusal: Detector = runtime_refusal,
    is_large: Detector = is_large,
) -> Decision:
    """The gates of 2.0.4. The detectors are arguments so that the truth table's given answers can stand for them."""
    request, runtime, model = facts["request"], facts["runtime"], facts["model"]
    images, vision = request["images"], is_vision(facts)
    heard = request["audio"] and not images
    if heard:
        if not is_audio(facts):
            return _block(
                "audio-capability",
                "capability_mismatch",
                400,
                f"`{model['name']}` takes no audio: nothing in its files speaks of it",
            )
        backend = audio_backend(facts)
        if backend == "mlx_audio":
            if runtime["mlx_audio"]["installed"]:
                return SPEECH
            return _block(
                "audio-dependency",
                "missing_dependency",
                501,
                f"`{model['name']}` is a speech model, and mlx-audio is not installed",
            )
        if backend != "mlx_vlm":
            return _block(
                "audio-backend",
                "unknown_audio_backend",
                501,
                f"`{model['name']}` takes audio, but no backend for its type `{_type(model)}` is known",
            )
    elif images and not vision:
        return _block(
            "vision-capability",
            "capability_mismatch",
            400,
            f"`{model['name']}` takes no images: nothing in its files speaks of them",
        )
    if vision or heard:
        return _decide_vision(facts, is_large)
    if not runtime["mlx_lm"]["installed"]:
        return _block(
            "text-dependency",
            "missing_dependency",
            501,
            f"`{model['name']}` needs mlx-lm, which is not installed",
        )
    refusal = runtime_refusal(facts)
    if refusal is not None:
        reason, made_for = refusal
        return _block(
            "text-runtime",
            "runtime_incompatible",
            501,
            f"mlx-lm cannot load `{model['name']}`: {reason} (type {_type(model)}, {made_for})",
        )
    if is_large(facts):
        message = f"{_too_large(facts)}: expect swapping"
        return Decision("warn", "mlx_lm", "text-memory", None, None, message, POLICY)
    return TEXT


def _decide_vision(facts: Facts, is_large: Detector) -> Decision:
    runtime = facts["runtime"]
    python = runtime["python"]
    if python < [3, 10]:
        return _block(
            "vision-python",
            "python_version_error",
            501,
            f"mlx-vlm needs Python 3.10 or later, this is {'.'.join(map(str, python))}",
        )
    if not runtime["mlx_vlm"]["installed"]:
        return _block(
            "vision-dependency",
            "missing_dependency",
            501,
            f"`{facts['model']['name']}` needs mlx-vlm, which is not installed",
        )
    if is_large(facts):
        return _block(
            "vision-memory",
            "insufficient_memory",
            507,
            f"{_too_large(facts)}: a vision model would end in an out-of-memory abort",
        )
    return VISION


def _block(gate: str, error: str, http: int, message: str) -> Decision:
    return Decision("block", "unsupported", gate, error, http, message, POLICY)


def _type(model: dict[str, Any]) -> str:
    kind = model["type"]
    return "unknown" if kind is None else kind


def _too_large(facts: Facts) -> str:
    model, total = facts["model"], facts["memory"]["total_bytes"]
    return f"`{model['name']}` has {_size(model['size_bytes'])} of {_size(total)} memory, more than 70%"


def _size(size: float) -> str:
    for unit, factor in (("TB", 1024**4), ("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:g} bytes"
