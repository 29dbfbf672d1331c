"""Every model of the zoo is decided as the libraries themselves would have it, its bytes and cache to the last byte.

A few models run in every run; all of them with `-m zoo`, in parts that other cores may take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.language.function_code import cache_bytes

from ..case_files import cases
from ..rehearsing import Rehearser, rehearser
from .build import lay
from .catalogue import Model, models, named

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("mlx_lm", "mlx_vlm", "mlx_audio")), reason="the libraries are asked"
)
# What cannot be decided so, by model and request, each with the reason.
EXCEPTIONS: dict[str, dict[str, Any]] = cases(__file__, "exceptions.yaml")
REQUESTS = {"text": {}, "image": {"images": True}, "audio": {"audio": True}}
PARTS = 16
FEW = (
    "Qwen--Qwen2.5-VL-7B-Instruct",
    "mem-Devstral-Small-2507",
    "mlx-community--whisper-large-v3-asr-fp16",
    "hf--unsloth--Meta-Llama-3.1-8B-Instruct-bnb-4bit",
    "BAAI--bge-m3",
)
# Whatever this machine has: memory decides elsewhere.
PLENTY = 16 << 40


def wrong(model: Model, folder: Path, asked: Rehearser, policy: Policy) -> Iterator[str]:
    """What is decided otherwise than the libraries would have it, a line each."""
    lay(model, folder)
    for request, backends in model.expect.items():
        facts = asked.facts(folder, **REQUESTS[request])
        decision = policy.decide(facts)
        fits = decision.backend in backends if backends and not model.on_purpose else decision.decision == "block"
        if not fits and request not in EXCEPTIONS.get(model.name, {}).get("requests", ()):
            said = f"{decision.decision} {decision.backend}, gate {decision.gate}: {decision.message}"
            yield f"{model.name}, {request}: {said}; wanted {list(backends) or 'a refusal'}"
        yield from misreckoned(model, request, facts)


def misreckoned(model: Model, request: str, facts: dict[str, Any]) -> Iterator[str]:
    """What a dry run tells of bytes, held against what the library told when it was asked by itself."""
    for backend, truth in model.truth.items():
        told = facts["dry_run"][backend]
        if told["status"] == "not_done":
            continue
        if "bytes" in truth and told["load_bytes"] not in (None, truth["bytes"]):
            yield f"{model.name}, {request}, {backend}: {told['load_bytes']} bytes load, {truth['bytes']} in truth"
        for tokens, size in truth.get("cache", {}).items():
            found = cache_bytes(told["cache"], int(tokens))
            if found != size and "cache" not in EXCEPTIONS.get(model.name, {}):
                yield f"{model.name}, {request}, {backend}: {found} bytes of cache at {tokens} tokens, {size} in truth"


def all_wrong(chosen: Iterable[Model], root: Path) -> list[str]:
    policy = Policy.load()
    with rehearser(total_bytes=PLENTY, accelerator="metal") as asked:
        return [line for model in chosen for line in wrong(model, root / model.name, asked, policy)]


@pytest.mark.slow
def test_a_few_models(tmp_path: Path) -> None:
    chosen = list(named(*FEW))
    assert len(chosen) == len(FEW)
    assert all_wrong(chosen, tmp_path) == []


@pytest.mark.zoo
@pytest.mark.parametrize("part", range(PARTS))
def test_every_model(part: int, tmp_path: Path) -> None:
    assert all_wrong(list(models())[part::PARTS], tmp_path) == []


@pytest.mark.slow
def test_exceptions_are_of_models_that_are_there() -> None:
    assert {model.name for model in named(*EXCEPTIONS)} == set(EXCEPTIONS)
