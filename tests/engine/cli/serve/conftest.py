"""Servers that tests of one file share."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from ...command_line import HELLO
from .running import QUICK, Running, running


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A server of the example model and of one that no backend has, by the frozen policy."""
    log = tmp_path_factory.mktemp("log") / "decisions.jsonl"
    with running(HELLO, "tests/models/brandnew", *QUICK, "--log", log) as server:
        yield server


@pytest.fixture(scope="module")
def three(text_model: Path, vision_model: Path, speech_model: Path) -> Generator[Running]:
    """A server of a model of each backend, by today's policy."""
    with running(text_model, vision_model, speech_model, "--only") as server:
        yield server
