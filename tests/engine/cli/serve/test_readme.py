"""The README's lines of the server, run as a person would; pages of the docs that show commands of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ...command_line import ROOT, in_subprocess
from .running import QUICK, running

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_the_readme() -> None:
    section = README.partition("## Serve\n")[2].partition("\n## ")[0]
    served = re.search(r"\$ \.venv/bin/mlxk-rules serve (.*)", section)
    asked = re.search(r"\$ (curl .*)", section)
    assert served and asked and "127.0.0.1:8642/v1" in asked[1]
    with running(*served[1].split()) as server:
        curl = asked[1].replace("http://127.0.0.1:8642", server.url)
        done = subprocess.run(["bash", "-c", f"{curl} -sS"], capture_output=True, text=True, timeout=60)
    assert "Hello from a model that was checked before it was loaded." in done.stdout, done.stderr


@pytest.mark.slow
def test_yesterdays_traffic_under_tomorrows_policy(tmp_path: Path) -> None:
    page = (ROOT / "rules" / "SERVE.md").read_text("utf-8")
    _, diff, decide = re.findall(r"\$ mlxk-rules (.*)", page)
    today = "schema: 1\nname: mine\nversion: 1.0.0\nextends: 2.0.4\n"
    (tmp_path / "policy.yaml").write_text(today)
    closed = (
        "gates:\n  - id: closed\n    before: text-memory\n    when: request.context == 'server'\n    decide: block\n"
    )
    (tmp_path / "tomorrow.yaml").write_text(f"{today}{closed}    error: closed\n    http: 403\n    message: closed\n")
    with running("tests/models/hello", "--only", *QUICK, "--log", tmp_path / "decisions.jsonl") as server:
        assert server.chat("hello").status_code == 200
    words = {name: str(tmp_path / name) for name in ("policy.yaml", "tomorrow.yaml", "decisions.jsonl")}
    told = in_subprocess(*(words.get(word, word) for word in diff.split()))
    assert told.returncode == 1 and "facts: 1" in told.stdout, told.stdout[-500:]
    told = in_subprocess(*(words.get(word, word) for word in decide.split()))
    assert told.returncode == 1 and '"gate": "closed"' in told.stdout
