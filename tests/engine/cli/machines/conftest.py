"""What the tests of several machines have in common."""

from __future__ import annotations

import pytest


@pytest.fixture
def dry_runs_are_kept(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the backends say of a model is kept, as it is for a person: they are asked once, and not by every rank."""
    monkeypatch.delenv("MLXK_RULES_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "kept"))
