"""What the policy allows really runs, and what it refuses is not run: sound tiny models, all three backends."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders.backends.running import stream
from mlxk_rules.loaders.problems import LoaderError

from ..rehearsing import Rehearser, rehearser
from ..tiny import hello
from ..tiny.speech import speech
from ..tiny.text import ANSWER, text
from ..tiny.vision import TYPES as VISION
from ..tiny.vision import vision
from . import language
from .folders import REQUESTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(find_spec, ("mlx_lm", "mlx_vlm", "mlx_audio"))), reason="not all three backends are installed"
    ),
]


class Asking(NamedTuple):
    """What every folder is asked with."""

    policy: Policy
    backends: Rehearser
    picture: Path
    recording: Path


@pytest.fixture(scope="module")
def asking(policy: Policy, picture: Path, recording: Path) -> Iterator[Asking]:
    """One child a backend does the dry runs, going from folder to folder."""
    with rehearser() as backends:
        yield Asking(policy, backends, picture, recording)


def answers(asking: Asking, folder: Path) -> Iterator[tuple[str, Any, str | None]]:
    """For each request the decision, and the answer, or None where the loader refuses with the decision's message."""
    for request, (images, audio) in REQUESTS.items():
        facts = asking.backends.facts(folder, images, audio)
        decision = asking.policy.explain(facts).decision
        media: dict[str, Any] = {"images": [asking.picture] * images, "audio": [asking.recording] * audio}
        if decision.decision == "allow":
            yield request, decision, "".join(stream(facts, decision, "Hi", max_tokens=16, **media))
            continue
        with pytest.raises(LoaderError) as caught:
            stream(facts, decision, "Hi", **media)
        assert (caught.value.code, caught.value.message) == ("blocked", decision.message)
        yield request, decision, None


def check(asking: Asking, folder: Path, backend: str, runs: set[str], said: str | None) -> None:
    """`said`: the answer where it is known; refusals are all for what the model cannot do."""
    for request, decision, answer in answers(asking, folder):
        if request in runs:
            assert decision.backend == backend, request
            assert answer is not None, request
            assert said is None or answer == said, request
        else:
            assert (decision.decision, decision.error_type) == ("block", "capability_mismatch"), request


@pytest.mark.parametrize("model_type", ["llama", "mistral", "qwen2", "qwen3"])
def test_text(tmp_path: Path, asking: Asking, model_type: str) -> None:
    check(asking, text(tmp_path / "m", model_type=model_type), "mlx_lm", {"text"}, ANSWER)


def test_text_in_four_bits(tmp_path: Path, asking: Asking) -> None:
    check(asking, text(tmp_path / "m", quantized=True), "mlx_lm", {"text"}, ANSWER)


def test_the_example_model(asking: Asking) -> None:
    check(asking, hello.FOLDER, "mlx_lm", {"text"}, hello.ANSWER)


@pytest.mark.parametrize("model_type", VISION)
def test_vision(tmp_path: Path, asking: Asking, model_type: str) -> None:
    said = None if model_type in ("gemma3", "paligemma") else ANSWER  # their embeddings are tied: no known answer
    check(asking, vision(tmp_path / "m", model_type), "mlx_vlm", {"text", "images"}, said)


@pytest.mark.parametrize("model_type", ["whisper", "moonshine"])
def test_speech(tmp_path: Path, asking: Asking, model_type: str) -> None:
    check(asking, speech(tmp_path / "m", model_type), "mlx_audio", {"audio"}, ANSWER)


@pytest.mark.parametrize("model_type", language.TYPES)
def test_language_models_that_only_mlx_vlm_runs(tmp_path: Path, asking: Asking, model_type: str) -> None:
    check(asking, language.language(tmp_path / "m", model_type), "mlx_vlm", {"text"}, None)


# Types whose processor puts the image into the prompt by itself.
BY_PROCESSOR = {"falcon-perception", "falcon_perception", "got", "nemotron_parse"}


@pytest.mark.long
def test_every_image_type_gets_a_placeholder(told: dict[str, dict[str, list[str]]]) -> None:
    from mlx_vlm.prompt_utils import MODEL_CONFIG
    from mlxk_rules.loaders.backends.mlx_vlm import placeholder_type

    images = {name for name, kinds in told["mlx_vlm"].items() if "images" in kinds}
    assert {name for name in images if placeholder_type(name) not in MODEL_CONFIG} == BY_PROCESSOR
    assert all(placeholder_type(name) == name for name in images & MODEL_CONFIG.keys())
    assert placeholder_type("granite-vision") == "granite_vision"
    assert placeholder_type("no_such_type") == "no_such_type"
