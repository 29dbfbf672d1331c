"""Streams, arguments, encodings and files that lead elsewhere: exit codes mean what they say, and nothing leaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..case_files import cases
from .folders import HELLO

ROWS: list[dict[str, Any]] = cases(__file__, "streams.yaml")
MLXK = Path(sys.executable).with_name("mlxk-rules")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("streams")
    shutil.copytree(HELLO, place / "café")
    repo = place / "hub/models--org--hello"
    shutil.copytree(HELLO, repo / "snapshots" / ("a" * 40))
    (repo / "refs").mkdir()
    (repo / "refs/main").write_text("a" * 40)
    os.mkfifo(place / "fifo.yaml")
    (place / "zero.yaml").symlink_to("/dev/zero")
    (place / "shadow").write_text("root:secret:20228:0:99999:7:::\n")
    (place / "shadow.yaml").symlink_to(place / "shadow")
    (place / "token.yaml").write_text("token: s3cr3t\n")
    (place / "extends.yaml").write_text("extends: token.yaml\nschema: 1\nname: own\nversion: 1.0.0\n")
    (place / "cases.yaml").write_text("policy: token.yaml\ncases:\n  - name: a\n    expect: {decision: allow}\n")
    (place / "names.yaml").write_text(
        "policy: today\ncases:\n  - name: a\n    folder: {files: {'.': x}}\n    expect: {decision: allow}\n"
    )
    return place


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["run"][:60])
def test_streams_and_files(row: dict[str, Any], place: Path) -> None:
    line = row["run"].format(mlxk=MLXK, hello=HELLO, tmp=place)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        timeout=100,
        env={**os.environ, "HF_HUB_CACHE": str(place / "hub")},
    )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == row["code"] or (row["code"] == 0 and "| head" in line), said
    assert row.get("says", "") in said
    assert "Traceback" not in said and "this is a bug" not in said
    assert "never" not in row or row["never"] not in said
