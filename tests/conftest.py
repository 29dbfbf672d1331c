"""What holds for every test, and the tiny models, each made once a run."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

# Before any MLX library is imported: on Linux the CPU back end would compile its first kernels with g++ for ten
# seconds.
os.environ["MLX_DISABLE_COMPILE"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
for name in (
    "MLXK_RULES_NO_CACHE", "MLXK_RULES_POLICY", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE",
    "HF_MODULES_CACHE",
    "PYTHONDONTWRITEBYTECODE",  # a child that compiles us anew takes twice as long, and there are thousands
):  # fmt: skip
    os.environ.pop(name, None)
sys.dont_write_bytecode = False

# No test may see, or fill, the cache of the person who runs it. What is kept is kept for all tests of a run: a backend
# is asked once of a folder, as with a person. Installers find theirs: they would load everything down again.
MODELS = "MLXK_RULES_TESTS_MODELS"
PLACES = {"HF_HOME": "hf-home", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", MODELS: "models"}


def pytest_configure(config: pytest.Config) -> None:
    """Makes the places of a run; its workers have them from it."""
    if hasattr(config, "workerinput"):
        return
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("PIP_CACHE_DIR", str(kept / "pip"))
    os.environ.setdefault("UV_CACHE_DIR", str(kept / "uv"))
    places = Path(tempfile.mkdtemp(prefix="mlxk-rules-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(places, ignore_errors=True))
    for name, folder in PLACES.items():
        (places / folder).mkdir()
        os.environ[name] = str(places / folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: many a test waits for a child, and that for a file or a clock."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: what is left for the end is short, and no core waits for another."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def made(name: str, make: Callable[[Path], Path]) -> Path:
    """Return a model that all workers of a run share, made by the first that wants it; no test changes it.

    So what a backend says of it is asked once a run, as it is kept for all of them.
    """
    folder = Path(os.environ[MODELS]) / name
    if not folder.exists():
        own = make(Path(tempfile.mkdtemp(dir=os.environ[MODELS])) / folder.name)
        with suppress(OSError):  # another worker was first
            own.rename(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds but what the backends' source says: finding that out takes a third of a second each time."""
    from mlxk_rules.loaders import machine

    cache = tmp_path_factory.mktemp("known")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        machine()
    return cache


@pytest.fixture(scope="session")
def text_model() -> Path:
    from .tiny.text import text

    return made("text", text)


@pytest.fixture(scope="session")
def vision_model() -> Path:
    from .tiny.vision import vision

    return made("vision", vision)


@pytest.fixture(scope="session")
def speech_model() -> Path:
    from .tiny.speech import speech

    return made("speech", speech)


@pytest.fixture(scope="session")
def picture(tiny: Path) -> Path:
    from .tiny.media import png

    return png(tiny / "picture.png")


@pytest.fixture(scope="session")
def recording(tiny: Path) -> Path:
    from .tiny.media import wav

    return wav(tiny / "recording.wav")
