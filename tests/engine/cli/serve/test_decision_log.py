"""The decision log as a file: rotated, masked, and what a disk does not take counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.cli.serve.kept import decision_log
from mlxk_rules.engine.cli.serve.kept.decision_log import DecisionLog, masked

from ...command_line import Capture, ran

LINE: dict[str, Any] = {"model": {"path": "somewhere", "files": ["a"]}, "config": None, "logged": {"id": "1"}}


def test_masked() -> None:
    found = masked(LINE, ["model.path", "model.files", "config.quantization", "readme"])
    assert found == {"model": {"path": "masked", "files": None}, "config": None, "logged": {"id": "1"}}
    assert LINE["model"]["path"] == "somewhere"


def test_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_log, "MAX_BYTES", 250)
    monkeypatch.setattr(decision_log, "KEPT", 3)
    log = DecisionLog(tmp_path / "log", lambda line: None)
    for number in range(20):
        log.write({"logged": {"id": str(number)}, "more": "x" * 50})
    log.close()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["log", "log.1", "log.2", "log.3"]
    lines = [line for name in reversed(names) for line in (tmp_path / name).read_text().splitlines()]
    assert [json.loads(line)["logged"]["id"] for line in lines] == [str(number) for number in range(20)][-len(lines) :]
    assert all(file.stat().st_size <= 250 and file.stat().st_mode & 0o77 == 0 for file in tmp_path.iterdir())


def test_a_full_disk_is_told_once_and_again_when_it_is_twice_as_bad() -> None:
    said: list[str] = []
    log = DecisionLog(Path("/dev/full"), said.append)
    for _ in range(9):
        log.write(LINE)
    log.close()
    assert (log.lost, len(said)) == (9, 4)


def test_a_misspelt_fact_masks_nothing_and_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "mask").write_text("# people's folders\nmodel.path\nmodel.pth\n")
    code, _, err = ran(capsys, "serve", "--log-mask", str(tmp_path / "mask"))
    assert code == 2 and "`model.pth`" in err and "did you mean `model.path`?" in err
