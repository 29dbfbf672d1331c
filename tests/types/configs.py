"""The default config of every type that transformers has; run as a program, prints one JSON object.

    {type: {"config": {...}, "architecture": str or null, "files": {...}}, ...}
    {type: {"skipped": reason}, ...}                                            where it cannot be made

`files` are the processor's, by the classes that transformers' own tables name for the type. A process of its own:
making all of them imports some eight hundred modules, and a class may do what it likes.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

AUTO = "transformers.models.auto."
# Those that generate text first: a type's folder is mostly its generating model's.
ARCHITECTURES = (
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES",
    "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
    "MODEL_FOR_CTC_MAPPING_NAMES",
    "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES",
    "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "MODEL_MAPPING_NAMES",
)


def _table(module: str, name: str) -> dict[str, Any]:
    try:
        return dict(getattr(importlib.import_module(AUTO + module), name, {}))
    except ImportError:
        return {}


def _name(entry: Any) -> str | None:
    """A table names one class, or several of which some may be null, or one for each back end."""
    if isinstance(entry, dict):
        entry = list(entry.values())
    if isinstance(entry, (list, tuple)):
        entry = next((one for one in entry if one), None)
    return entry if isinstance(entry, str) else None


def told() -> dict[str, Any]:
    auto = importlib.import_module(AUTO + "configuration_auto")
    architectures = [_table("modeling_auto", name) for name in ARCHITECTURES]
    images = _table("image_processing_auto", "IMAGE_PROCESSOR_MAPPING_NAMES")
    features = _table("feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING_NAMES")
    processors = _table("processing_auto", "PROCESSOR_MAPPING_NAMES")
    found: dict[str, Any] = {}
    for name in sorted(auto.CONFIG_MAPPING_NAMES):
        try:
            config = json.loads(auto.CONFIG_MAPPING[name]().to_json_string(use_diff=False))
        except (Exception, SystemExit) as error:
            found[name] = {"skipped": f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"}
            continue
        preprocessor: dict[str, Any] = {}
        if image := _name(images.get(name)):
            preprocessor |= {"image_processor_type": image, "image_mean": [0.5, 0.5, 0.5]}
        if feature := _name(features.get(name)):
            preprocessor["feature_extractor_type"] = feature
        processor = _name(processors.get(name))
        if preprocessor and processor:
            preprocessor["processor_class"] = processor
        files = {"preprocessor_config.json": preprocessor} if preprocessor else {}
        if processor:
            files["processor_config.json"] = {"processor_class": processor}
        architecture = next((_name(table[name]) for table in architectures if name in table), None)
        found[name] = {"config": config, "architecture": architecture, "files": files}
    return found


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(told()))
