"""Servers that tests of one file share."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ...command_line import HELLO
from .running import QUICK, Running, running


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A server of the example model and of one that no backend has, by the frozen policy."""
    log = tmp_path_factory.mktemp("log") / "decisions.jsonl"
    with running(HELLO, "tests/models/brandnew", *QUICK, "--log", log) as server:
        yield server
