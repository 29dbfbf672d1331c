"""Where a socket cannot be laid that is said, with what helps."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mlxk_rules.loaders import BackendServer, Job, LoaderError
from mlxk_rules.loaders.serving.listening import laid_at


@pytest.mark.parametrize("name", ["a" * 120, "none/socket"])
def test_no_socket(name: str, tmp_path: Path) -> None:
    with pytest.raises(LoaderError) as caught:
        laid_at(tmp_path / name)
    assert caught.value.code == "unwritable_folder"
    assert "TMPDIR" in (caught.value.help or "")


@pytest.mark.parametrize("there", [True, False])
def test_no_child_is_started(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / ("a" * 90)
    if there:
        place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with pytest.raises(LoaderError) as caught:
        asyncio.run(BackendServer.start(Job("mlx_lm", "none", None, "llama"), 5))
    assert caught.value.code == "unwritable_folder"
    assert not there or list(place.iterdir()) == []
