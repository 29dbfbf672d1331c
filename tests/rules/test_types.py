"""Every model type of the installed libraries, four requests each, against what their own classes say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders.probe import runtime

from .folders import facts_of, requests, without_backends, write

pytestmark = pytest.mark.slow

Told = dict[str, dict[str, list[str]]]

# Names of a language model to mlx-lm and of a speech model to mlx-audio: with an audio_config it is the speech model.
TWO_MEANINGS = ("glm", "mimo")
HTTP = {
    "capability_mismatch": 400,
    "not_generative": 501,
    "unsupported_model_type": 501,
    "missing_dependency": 501,
}


def types(told: Told) -> list[str]:
    return sorted({name for backend in told.values() for name in backend})


def takes(told: Told, name: str) -> dict[str, set[str]]:
    """By backend, what it takes for a config.json that says `name`; mlx-vlm lowers the case, the others do not."""
    found = {
        "mlx_lm": told["mlx_lm"].get(name, []),
        "mlx_vlm": told["mlx_vlm"].get(name.lower(), []),
        "mlx_audio": told["mlx_audio"].get(name, []),
    }
    return {backend: set(kinds) for backend, kinds in found.items()}


def wanted(told: Told, name: str, request: str, as_published: bool) -> tuple[set[str], str]:
    """The backends that take the request, or none of them and the error that says so."""
    by_backend = takes(told, name)
    if name in TWO_MEANINGS and as_published:
        by_backend["mlx_lm"] = by_backend["mlx_vlm"] = set()
    backends = {backend for backend, kinds in by_backend.items() if kinds >= set(request.split("+"))}
    if any(by_backend.values()):
        return backends, "capability_mismatch"
    return set(), "not_generative"


def bare(told: Told, name: str) -> dict[str, Any]:
    return {"config.json": {"model_type": name}}


def published(told: Told, name: str) -> dict[str, Any]:
    """The sections and files that repositories of such a type have."""
    kinds = set[str]().union(*takes(told, name).values())
    config: dict[str, Any] = {"model_type": name, "quantization": {"group_size": 64, "bits": 4}}
    preprocessor: dict[str, Any] = {}
    if "images" in kinds:
        config["vision_config"] = {"model_type": "siglip_vision_model", "hidden_size": 8}
        preprocessor = {"image_processor_type": "SomeImageProcessor", "image_mean": [0.5, 0.5, 0.5]}
    if "audio" in kinds:
        config["audio_config"] = {"model_type": "some_audio_encoder", "hidden_size": 8}
        preprocessor["feature_extractor_type"] = "WhisperFeatureExtractor"
    files: dict[str, Any] = {
        "config.json": config,
        "model.safetensors": None,
        "tokenizer.json": {},
        "tokenizer_config.json": {"chat_template": "{{ messages }}"},
        "README.md": "---\nlibrary_name: mlx\n---\n",
    }
    if preprocessor:
        files |= {
            "preprocessor_config.json": preprocessor,
            "processor_config.json": {"processor_class": "SomeProcessor"},
        }
    return files


LAYOUTS = {"bare": bare, "published": published}
Layout = Callable[[Told, str], dict[str, Any]]


def asked(root: Path, told: Told, layout: Layout) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for number, name in enumerate(types(told)):
        folder = write(root / str(number), layout(told, name))
        for request, facts in requests(facts_of(folder)).items():
            yield name, request, facts


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_type_goes_to_a_backend_that_takes_it_or_is_refused(
    tmp_path: Path, policy: Policy, told: Told, layout: str
) -> None:
    misses: list[str] = []
    count = 0
    for name, request, facts in asked(tmp_path, told, LAYOUTS[layout]):
        backends, error = wanted(told, name, request, layout == "published")
        decision = policy.decide(facts)
        if backends:
            agreed = decision.decision == "allow" and decision.backend in backends
        else:
            agreed = (decision.decision, decision.error_type) == ("block", error)
            agreed = agreed and decision.http_status == HTTP[error]
        count += 1
        if not agreed:
            said = decision.error_type or decision.backend
            misses.append(f"{name}, {request}: {decision.gate} says {said}, wanted {backends or error}")
    print(f"{count - len(misses)} of {count} agree")
    assert misses == []


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_a_backend_only_what_it_would_take_is_a_missing_dependency(
    tmp_path: Path, policy: Policy, told: Told, layout: str
) -> None:
    misses: list[str] = []
    for name, request, facts in asked(tmp_path, told, LAYOUTS[layout]):
        with_all, without = policy.decide(facts), policy.decide(without_backends(facts))
        expected = "missing_dependency" if with_all.decision == "allow" else with_all.error_type
        if (without.decision, without.error_type) != ("block", expected):
            misses.append(f"{name}, {request}: {without.gate} says {without.error_type}, wanted {expected}")
    assert misses == []


@pytest.mark.long
@pytest.mark.parametrize("section", ["vision_config", "audio_config"])
def test_a_section_alone_gives_no_backend_what_it_has_not(
    tmp_path: Path, policy: Policy, told: Told, section: str
) -> None:
    """The files say that the model has a tower, and no backend has it for this type: only text can be answered."""
    kind = {"vision_config": "images", "audio_config": "audio"}[section]
    errors = {"vision_config": "unsupported_model_type", "audio_config": "unknown_audio_backend"}
    misses: list[str] = []
    for number, name in enumerate(types(told)):
        by_backend = takes(told, name)
        kinds = set[str]().union(*by_backend.values())
        if kind in kinds or "text" not in kinds:
            continue
        folder = write(tmp_path / str(number), {"config.json": {"model_type": name, section: {"hidden_size": 8}}})
        asks = requests(facts_of(folder))
        text, tower = policy.decide(asks["text"]), policy.decide(asks[kind])
        if text.decision != "allow" or "text" not in by_backend[text.backend]:
            misses.append(f"{name}, text: {text.gate} says {text.error_type or text.backend}")
        if (tower.error_type, tower.http_status) != (errors[section], 501):
            misses.append(f"{name}, {kind}: {tower.gate} says {tower.error_type or tower.backend}")
    assert misses == []


def test_an_unknown_type_has_no_backend(tmp_path: Path, policy: Policy) -> None:
    for request, facts in requests(facts_of(write(tmp_path, {"config.json": {"model_type": "no_such_type"}}))).items():
        error = "unsupported_model_type" if request == "text" else "capability_mismatch"
        assert policy.decide(facts).error_type == error


SETS = {
    "mlx_lm_types": ("mlx_lm", "model_types"),
    "mlx_vlm_image_types": ("mlx_vlm", "image_types"),
    "mlx_vlm_audio_types": ("mlx_vlm", "audio_types"),
    "mlx_vlm_text_types": ("mlx_vlm", "text_types"),
    "mlx_audio_stt_types": ("mlx_audio", "model_types"),
    "mlx_audio_tts_types": ("mlx_audio", "tts_types"),
    "mlx_audio_other_types": ("mlx_audio", "other_types"),
    "not_generative_types": ("mlx_vlm", "other_types"),
}
VERSIONS = {"mlx_lm": "0.32.2", "mlx_vlm": "0.7.10", "mlx_audio": "0.6.2"}


@pytest.mark.parametrize("name", SETS)
def test_the_sets_are_what_the_libraries_have(policy: Policy, name: str) -> None:
    backend, fact = SETS[name]
    found = runtime()[backend]
    if found["version"] != VERSIONS[backend]:
        pytest.skip(f"the set is of {backend} {VERSIONS[backend]}, installed is {found['version']}")
    in_policy, in_library = set(policy.sets[name]), set(found[fact])
    assert (sorted(in_policy - in_library), sorted(in_library - in_policy)) == ([], []), "(too many, missing)"
