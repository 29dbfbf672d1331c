"""Once, a real language model: it knows where the Eiffel Tower stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...tiny.smollm2 import download, smollm2
from .helpers import answer

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_smollm2(tmp_path_factory: pytest.TempPathFactory) -> None:
    place: Path = tmp_path_factory.mktemp("smollm2")
    model = smollm2(place / "SmolLM2-135M-Instruct-4bit", download(place / "cache"))
    assert "Paris" in answer(model, "mlx_lm", "What is the capital of France?", max_tokens=24)
