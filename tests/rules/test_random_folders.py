"""Folders that nobody would make: whatever they hold, name and layout decide nothing, and every answer is whole."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxk_rules.engine import Policy

from .folders import facts_of, in_cache, requests, verdicts, without_backends, write

pytestmark = pytest.mark.slow

POLICY = Policy.load()
ERRORS = {
    "adapter_only",
    "capability_mismatch",
    "config_incomplete",
    "config_unreadable",
    "insufficient_memory",
    "missing_dependency",
    "missing_weights",
    "not_generative",
    "python_version_error",
    "remote_code",
    "unknown_audio_backend",
    "unsupported_format",
    "unsupported_model_type",
}
KNOWN = sorted({name for types in POLICY.sets.values() for name in types})
KEYS = [
    "architectures",
    "audio_config",
    "vision_config",
    "quantization",
    "auto_map",
    "model_file",
    "image_processor",
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
    "temporal_patch_size",
    "image_mean",
    "audio_seq_length",
    "chat_template",
    "acoustic_dim",
    "target",
]
WORDS = st.sampled_from(
    ["", " ", "WhisperFeatureExtractor", "AutoVideoProcessor", "XForCausalLM", "XForMaskedLM", *KEYS]
)
SCALARS = st.none() | st.booleans() | st.integers(-1, 3) | WORDS
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(WORDS, SCALARS, max_size=2)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4)
DOCUMENTS = OBJECTS | VALUES | st.just("{")
TYPED = st.builds(lambda name, rest: {"model_type": name, **rest}, st.sampled_from(KNOWN) | WORDS | SCALARS, OBJECTS)
CONTENTS: dict[str, st.SearchStrategy[Any]] = {
    "config.json": TYPED | TYPED | TYPED | DOCUMENTS,
    "preprocessor_config.json": DOCUMENTS,
    "processor_config.json": DOCUMENTS,
    "tokenizer_config.json": DOCUMENTS,
    "adapter_config.json": DOCUMENTS,
    "model_index.json": DOCUMENTS,
    **{
        name: st.none()
        for name in (
            "model.safetensors",
            "weights.safetensors",
            "adapters.safetensors",
            "weights.npz",
            "pytorch_model.bin",
            "x.gguf",
            "modules.json",
            "chat_template.jinja",
            "video_preprocessor_config.json",
            "sub/preprocessor_config.json",
            "sub/model.safetensors",
        )
    },
}
FOLDERS = st.fixed_dictionaries({}, optional=CONTENTS)
NAMES = st.sampled_from(["whisper", "glm", "voxtral", "parakeet", "llava-instruct", "embed", "chat", "adapters", "m"])


@settings(max_examples=60, deadline=None)
@given(files=FOLDERS, name=NAMES)
def test_any_folder(files: dict[str, Any], name: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        facts = facts_of(write(Path(root) / "m", files))
        cached = in_cache(Path(root), f"mlx-community/{name}", files)
        others = [
            facts_of(write(Path(root) / name, files)),
            facts_of(cached, f"mlx-community/{name}"),
            facts_of(cached),
        ]
    expected = verdicts(POLICY, facts)
    for other in others:
        assert verdicts(POLICY, other) == expected
    for where in (facts, without_backends(facts)):
        for asked in requests(where).values():
            decision = POLICY.decide(asked)
            assert decision == POLICY.explain(asked).decision
            assert (decision.decision == "block") == (decision.error_type is not None)
            assert decision.error_type is None or decision.error_type in ERRORS
            assert (decision.decision == "block") == (decision.backend == "unsupported")
    # No code of a folder ever runs, so that trust changes nothing.
    trusted = facts | {"request": facts["request"] | {"trust_remote_code": True}}
    assert verdicts(POLICY, trusted) == expected
