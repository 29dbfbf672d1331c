"""A hostile folder has an answer, and hides no other: in process for each row, and all of them in one list."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli import main
from mlxk_rules.loaders import probe

from .folders import Row, rows

ROWS = list(rows())
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
POLICY = Policy.load()
ROOT = os.geteuid() == 0


def marked(row: Row) -> object:
    unlike = pytest.mark.skipif(row.needs_no_root and ROOT, reason="root may read everything")
    return pytest.param(row, id=row.id, marks=[unlike, *([pytest.mark.slow] if row.slow or "-is-" in row.id else [])])


@pytest.mark.slow
@pytest.mark.parametrize("row", map(marked, ROWS))
def test_a_hostile_folder_has_an_answer(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = row.lay(tmp_path / row.folder)
    facts = probe(folder, dry_run=row.slow)
    trace = POLICY.explain(facts)
    assert POLICY.decide(facts) == trace.decision
    assert row.gate is None or trace.decision.gate == row.gate
    assert row.says in (trace.decision.message or "")
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    code = main(["explain", str(folder), *([] if row.slow else ["--quick"])])
    out, err = capsys.readouterr()
    assert code in (0, 1) and err == ""
    assert not CONTROL.search(out) and len(out) < 100_000
    assert max(map(len, out.splitlines())) < 12_000


@pytest.mark.slow
def test_no_model_hides_another(tmp_path: Path) -> None:
    """All of them in one cache, with entries that cannot be opened; as another user where this one is root."""
    hub = tmp_path / "hub"
    names = []
    for row in ROWS:
        name = re.sub(r"[^a-zA-Z0-9]+", "-", row.id)
        commit = hub / f"models--org--{name}/snapshots/{'a' * 40}"
        (commit.parents[1] / "refs").mkdir(parents=True)
        (commit.parents[1] / "refs/main").write_text("a" * 40)
        commit.parent.mkdir()
        row.lay(commit)
        names.append(f"org/{name}")
    (hub / "models--org--of-itself").symlink_to("models--org--of-itself")
    (tmp_path / "closed/model").mkdir(parents=True)
    (hub / "models--org--behind-a-closed-door").symlink_to(tmp_path / "closed/model")
    (hub / "models--org--a-ref-that-waits/refs").mkdir(parents=True)
    os.mkfifo(hub / "models--org--a-ref-that-waits/refs/main")
    (hub / "models--org--a-ref-without-end/refs").mkdir(parents=True)
    (hub / "models--org--a-ref-without-end/refs/main").symlink_to("/dev/zero")
    (tmp_path / "closed").chmod(0o000)
    others = ["of-itself", "behind-a-closed-door", "a-ref-that-waits", "a-ref-without-end"]
    try:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("mlxk-rules")), "list", "--json"],
            env={**os.environ, "HF_HUB_CACHE": str(hub), "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert done.returncode == 0, done.stderr
    listed = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(listed) == {*names, *(f"org/{name}" for name in others)}
    for row, name in zip(ROWS, names, strict=True):
        if row.gate and not row.slow and row.folder == "model" and not (row.needs_no_root and ROOT):
            assert listed[name]["gate"] == row.gate, name
    assert listed["org/of-itself"]["error_type"]
