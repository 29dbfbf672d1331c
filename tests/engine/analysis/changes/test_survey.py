"""What an author did, what it changes, and the version that it asks for: `mlxk-rules diff` as it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.changes.edits import edits
from mlxk_rules.engine.analysis.changes.survey import survey
from mlxk_rules.engine.analysis.difference import difference, outcome
from mlxk_rules.engine.analysis.version_bump import RULES, bump, raised
from mlxk_rules.engine.cli.command_line import main

from ....case_files import cases

BASE = """schema: 1
name: tiny
version: 1.2.3
sets:
  types: [llava, pixtral]
  owners: [acme]
limits:
  share: 0.5
derive:
  big:
    compute: (ratio(model.size_bytes, memory.total_bytes) || `0`) > limits.share
    why: a fact
gates:
  - id: owner
    when: contains(sets.owners, model.name)
    decide: block
    error: owner
    message: not of this owner
  - id: audio
    when: request.audio
    decide: block
    error: no_audio
    message: no audio
  - id: vision
    when: request.images && contains(sets.types, lower(model.type))
    decide: allow
    backend: mlx_vlm
  - id: images
    when: request.images
    decide: block
    error: no_images
    http: 400
    message: no images
  - id: memory
    when: derived.big
    decide: warn
    backend: mlx_lm
    message: much
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
ROWS: list[dict[str, Any]] = cases(__file__, "edits.yaml")


def changed(row: dict[str, Any]) -> Policy:
    text = BASE
    for before, after in row["change"].items():
        assert before in text
        text = text.replace(before, after)
    return Policy.from_text(text, "new")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["change"]))
def test_what_was_done(row: dict[str, Any]) -> None:
    old, new = Policy.from_text(BASE, "old"), changed(row)
    found = survey(old, new)
    assert [edit.said for edit in found.edits] == row["edits"]
    rise = bump(found)
    assert (rise.level, rise.sure) == (row["bump"], True)
    assert rise.level == bump(difference(old, new)).level
    for one in found.shown:
        assert (outcome(old.decide(one.witness.facts)), outcome(new.decide(one.witness.facts))) == (
            one.before,
            one.after,
        )
        assert one.edits and set(one.edits) <= set(found.edits)
    assert {(one.before, one.after) for one in found.shown} == {
        (change.before, change.after) for change in difference(old, new).changes
    }


def test_a_gate_that_moved() -> None:
    gates = BASE.split("  - id: ")
    gates[1:3] = gates[2:0:-1]
    new = Policy.from_text("  - id: ".join(gates), "new")
    (edit,) = edits(Policy.from_text(BASE, "old").document, new.document)
    assert (edit.kind, edit.said) in (
        ("gate-moved", "moves the gate `owner` after `audio`"),
        ("gate-moved", "moves the gate `audio` before all others"),
    )


def test_the_table_of_versions() -> None:
    assert {rule: level for rule, (level, _) in RULES.items()} == {
        "refused": "major",
        "types": "minor",
        "decided": "minor",
        "words": "patch",
        "nothing": "none",
    }
    assert [raised("1.2.3", level) for level in ("major", "minor", "patch", "none")] == [
        "2.0.0",
        "1.3.0",
        "1.2.4",
        "1.2.3",
    ]


OVERLAY = "schema: 1\nname: mlx\nversion: {version}\nextends: today\n"


@pytest.mark.slow
def test_one_type_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's own example: told in a screen, and a minor version, as `audit --fix` has it."""
    version = raised(Policy.load().version, "minor")
    file = tmp_path / "over.yaml"
    file.write_text(OVERLAY.format(version=version) + "sets: {mlx_lm_types: {add: [brandnew]}}\n")
    assert main(["diff", "today", str(file), "--check-version"]) == 0
    out = capsys.readouterr().out
    assert out.count("adds `brandnew` to `mlx_lm_types`") == 1 and out.count("\n") <= 24
    assert "block unsupported_model_type (501) -> block missing_dependency (501)\n    with model.type =" in out
    assert f"a minor change (a model type was added or removed), {version} or later; {version} is enough" in out


@pytest.mark.slow
@pytest.mark.long
def test_a_limit_that_is_raised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cookbook's own example: more permissive, by facts that are so."""
    file = tmp_path / "over.yaml"
    file.write_text(OVERLAY.format(version=raised(Policy.load().version, "minor")) + "limits: {memory_ratio: 0.9}\n")
    assert main(["diff", "today", str(file)]) == 1
    out = capsys.readouterr().out
    assert " is more permissive than " in out and out.count("\n") <= 24
    assert "raises `memory_ratio` from 0.7 to 0.9" in out
    assert "text: warn mlx_lm (insufficient_memory) -> allow mlx_lm\n    with memory.total_bytes = " in out
    assert "a minor change" in out
