"""What holds for tests of the command line."""

from __future__ import annotations

import pytest

from .command_line import ROOT


@pytest.fixture
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in the project's folder, as on a machine where nothing asks for colours or for none."""
    monkeypatch.chdir(ROOT)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
