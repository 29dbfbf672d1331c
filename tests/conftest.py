"""What holds for every test, and the tiny models, each made once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

# Before any MLX library is imported: on Linux the CPU back end would compile its first kernels with g++ for ten
# seconds; and no test may see, or fill, the cache of the person who runs it.
os.environ["MLX_DISABLE_COMPILE"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MLXK_RULES_NO_CACHE"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="mlxk-rules-empty-hf-home-")
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="mlxk-rules-empty-config-")
for name in ("MLXK_RULES_POLICY", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "HF_MODULES_CACHE"):
    os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: what is left for the end is short, and no core waits for another."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="session")
def text_model(tiny: Path) -> Path:
    from .tiny.text import text

    return text(tiny / "text")


@pytest.fixture(scope="session")
def vision_model(tiny: Path) -> Path:
    from .tiny.vision import vision

    return vision(tiny / "vision")


@pytest.fixture(scope="session")
def speech_model(tiny: Path) -> Path:
    from .tiny.speech import speech

    return speech(tiny / "speech")


@pytest.fixture(scope="session")
def picture(tiny: Path) -> Path:
    from .tiny.media import png

    return png(tiny / "picture.png")


@pytest.fixture(scope="session")
def recording(tiny: Path) -> Path:
    from .tiny.media import wav

    return wav(tiny / "recording.wav")
