"""mlxk-rules audit: today's policy agrees with the installed libraries, and what does not is said and mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.audit import Report, audit
from mlxk_rules.engine.analysis.audit_fix import amended
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.rulefile.yaml_editing import scalar

ROOT = Path(__file__).parents[3]
TODAY = (ROOT / "rules" / "policy.yaml").read_text("utf-8")
STALE = (
    TODAY.replace("\n    - mamba2\n", "\n", 1)
    .replace("\n    - bitnet\n", "\n    - bitnet # one bit\n    - brandnew\n", 1)
    .replace("mlx-lm: 0.32.2", "mlx-lm: 0.32.1")
    .replace("mlx-lm 0.32.2", "mlx-lm 0.32.1")
)


@pytest.fixture
def stale(tmp_path: Path) -> Path:
    file = tmp_path / "stale.yaml"
    file.write_text(STALE, "utf-8")
    return file


def test_todays_policy_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0, capsys.readouterr().out


def test_rewriting_changes_nothing_else() -> None:
    for file in (ROOT / "rules").glob("*.yaml"):
        text = file.read_text("utf-8")
        if "gates:" in text:
            assert amended(text, Report((), (), ()), prune=True) == text


@pytest.mark.parametrize(
    "word", ["llama", "phi-3", "0x_", "2026-99-99", "2026-01-01", "yes", "=", "a: b", "[" * 1_500, ""]
)
def test_a_word_that_is_written_is_read_as_itself(word: str) -> None:
    assert yaml.safe_load(f"- {scalar(word)}\n- [{scalar(word)}]\n") == [word, [word]]
    assert (scalar(word) == word) is (word in ("llama", "phi-3"))


def test_what_differs_is_said(stale: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(stale)]) == 1
    said = capsys.readouterr().out
    assert "checked with mlx-lm 0.32.1" in said
    assert "`mlx_lm_types` lacks: mamba2" in said
    assert "`mlx_lm_types` has: brandnew" in said
    assert stale.read_text("utf-8") == STALE


def test_fix_adds_in_order_and_keeps_what_is_unknown(stale: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(stale), "--fix", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["fixed"] is True
    policy = Policy.load(stale)
    assert "brandnew" in policy.sets["mlx_lm_types"]
    assert sorted(policy.sets["mlx_lm_types"]) == policy.sets["mlx_lm_types"]
    before, after = Policy.from_text(TODAY).version.split("."), policy.version.split(".")
    assert (after[0], int(after[1]), after[2]) == (before[0], int(before[1]) + 1, "0")
    text = stale.read_text("utf-8")
    assert "- bitnet # one bit\n" in text
    assert "mlx-lm 0.32.1" not in text
    assert "    - mlx_lm_types has mamba2 too\n" in text


def test_prune_takes_out_what_is_unknown(stale: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(stale), "--fix", "--prune"]) == 0
    assert main(["audit", str(stale)]) == 0
    capsys.readouterr()
    assert Policy.load(stale).sets == Policy.load().sets


def test_a_library_that_is_absent_is_not_held_against_the_file() -> None:
    runtime: dict[str, Any] = {
        name: {"installed": False, "version": None} for name in ("mlx_lm", "mlx_vlm", "mlx_audio")
    }
    report = audit(Policy.load().document, runtime)
    assert report == Report((), (), ("mlx-audio", "mlx-lm", "mlx-vlm"))


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ((ROOT / "rules" / "2.0.4.yaml").read_text("utf-8"), [], "error[no-audit]"),
        ("schema: 1\nname: mine\nversion: 1.0.0\nextends: today\n", ["--fix"], "error[not-fixed]"),
        (STALE.replace("    mlx_lm_types: runtime", "    mlx_lm_tipes: runtime"), [], "did you mean `mlx_lm_types`?"),
        (STALE.replace("runtime.mlx_lm.model_types\n", "runtime.mlx_lm.version\n"), [], "is no fact that lists text"),
    ],
)
def test_a_file_that_cannot_be_audited(
    text: str, words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text, "utf-8")
    assert main(["audit", str(file), *words]) == 2
    assert said in capsys.readouterr().err


def test_fix_keeps_what_accepts_an_entry_and_the_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # `mamba` stands before what is lacking, `mellum` after it.
    file = tmp_path / "stale.yaml"
    above = "    # analysis: ok dead-entry as it was\n    - mellum\n"
    text = TODAY.replace("\n    - mamba2\n    - mellum\n", f"\n{above}", 1).replace("    - youtu_llm\n", "", 1)
    file.write_bytes(text.replace("\n", "\r\n").encode())
    assert main(["audit", str(file), "--fix"]) == 0
    capsys.readouterr()
    after = file.read_bytes().decode().replace("\r\n", "\n")
    assert b"\r\n" in file.read_bytes() and "\r" not in after
    assert f"    - mamba\n    - mamba2\n{above}" in after
    assert "    - xverse\n    - youtu_llm\n\n  # mlx-vlm" in after
    gone = [line for line in text.splitlines() if line not in after.splitlines()]
    assert gone == [f"version: {Policy.load().version}"]
