"""`mlxk-rules diff` and the difference behind it: directions, witnesses, versions, revisions, and the page it makes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary
from mlxk_rules.engine.analysis.difference import difference, outcome
from mlxk_rules.engine.analysis.substance import substance
from mlxk_rules.engine.analysis.version_bump import bump
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.rulefile.loading import load_document
from mlxk_rules.engine.storage import data_files

BASE = """schema: 1
name: tiny
version: 1.2.3
sets:
  types: [llava, pixtral]
limits:
  share: 0.5
gates:
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
    when: (ratio(model.size_bytes, memory.total_bytes) || `0`) > limits.share
    decide: warn
    backend: mlx_lm
    message: much
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
# What is replaced by what; the direction; the version that it asks for; facts of a witness that must be among them.
CHANGES: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("much", "very much", "same", "1.2.4", {}),
    ("[llava, pixtral]", "[llava, pixtral, idefics]", "more permissive", "1.3.0", {"request.images": True}),
    ("[llava, pixtral]", "[llava]", "less permissive", "1.3.0", {"request.images": True}),
    ("share: 0.5", "share: 0.75", "more permissive", "1.3.0", {}),
    ("share: 0.5", "share: 0.25", "less permissive", "2.0.0", {}),
    ("http: 400", "http: 501", "other", "1.3.0", {"request.images": True}),
    ("backend: mlx_vlm", "backend: mlx_lm", "other", "2.0.0", {"request.images": True}),
    ("[llava, pixtral]", "[llava, idefics]", "both", "1.3.0", {"request.images": True}),
    ("lower(model.type)", "model.type", "less permissive", "2.0.0", {"request.images": True}),
    ("[llava, pixtral]", "[pixtral, llava]", "same", "1.2.3", {}),
    ("id: images", "id: pictures", "same", "1.2.4", {}),
    ("name: tiny", "name: tiny # a comment", "same", "1.2.3", {}),
]


@pytest.mark.parametrize("before, after, wanted, least, facts", CHANGES)
def test_direction_version_and_witness(before: str, after: str, wanted: str, least: str, facts: dict[str, Any]) -> None:
    old, new = Policy.from_text(BASE, "old"), Policy.from_text(BASE.replace(before, after), "new")
    found = difference(old, new)
    assert found.exact
    assert (found.direction, bump(found).least) == (wanted, least)
    for change in found.changes:
        assert change.witness is not None
        one, other = old.decide(change.witness.facts), new.decide(change.witness.facts)
        assert (outcome(one), outcome(other)) == (change.before, change.after)
        assert change.before != change.after
        assert facts.items() <= change.witness.differing.items()
        assert len(change.witness.differing) <= 2


def test_a_version_that_rose_by_enough() -> None:
    old = Policy.from_text(BASE, "old")
    changed = BASE.replace("share: 0.5", "share: 0.25")
    for version, enough in (("1.2.3", False), ("1.2.4", False), ("1.3.0", False), ("2.0.0", True), ("3.1.0", True)):
        new = Policy.from_text(changed.replace("1.2.3", version), "new")
        assert bump(difference(old, new)).enough is enough


def test_exit_codes_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(BASE)
    new.write_text(BASE.replace("share: 0.5", "share: 0.25"))
    assert main(["diff", str(old), str(old)]) == 0
    assert main(["diff", str(old), str(new)]) == 1
    out = capsys.readouterr().out
    assert all(text in out for text in ("less permissive", "text, ", "with memory.total_bytes = ", "2.0.0 or later"))
    assert main(["diff", str(old), str(new), "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["direction"] == "less permissive" and value["exact"] is True and value["same"] is False
    assert value["changes"][0]["old"]["gate"] == "text" and value["changes"][0]["new"]["line"] > 1
    assert main(["diff", str(old), str(new), "--check-version"]) == 1
    new.write_text(new.read_text().replace("1.2.3", "2.0.0"))
    assert main(["diff", str(old), str(new), "--check-version"]) == 0
    assert main(["diff", str(old), str(tmp_path / "none.yaml")]) == 2


def test_recorded_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, facts = tmp_path / "old.yaml", tmp_path / "new.yaml", tmp_path / "facts.jsonl"
    old.write_text(BASE)
    new.write_text(BASE.replace("[llava, pixtral]", "[llava]"))
    models = [
        {"model": {"name": t, "type": t, "size_bytes": 1, "path": "/m", "files": []}} for t in ("llava", "pixtral")
    ]
    facts.write_text("\n".join(json.dumps({**m, "request": {"images": True}}) for m in models))
    assert main(["diff", str(old), str(new), "--facts", str(facts), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["facts"]
    assert [(row["name"], row["old"], row["new"]) for row in rows] == [("line 2: pixtral", "vision", "images")]
    facts.write_text("{}\nnonsense\n")
    assert main(["diff", str(old), str(new), "--facts", str(facts)]) == 2
    assert "line 2" in capsys.readouterr().err


def test_git_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True, capture_output=True)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    file = tmp_path / "policy.yaml"
    file.write_text(BASE)
    assert main(["diff", "HEAD:policy.yaml", "policy.yaml"]) == 2
    assert "git has no" in capsys.readouterr().err
    git("init", "-q")
    git("add", "policy.yaml")
    git("commit", "-qm", "one")
    assert main(["diff", "HEAD:policy.yaml", "policy.yaml"]) == 0
    file.write_text(BASE.replace("share: 0.5", "share: 0.25"))
    assert main(["diff", "HEAD:policy.yaml", "policy.yaml"]) == 1
    assert "lowers `share` from 0.5 to 0.25  policy.yaml:7" in capsys.readouterr().out
    for wrong in (
        "HEAD:none.yaml",
        "nosuch:policy.yaml",
        "HEAD:",
        ":policy.yaml:x",
        "--output=x:policy.yaml",
        "HEAD:.",
    ):
        assert main(["diff", "--", wrong, "policy.yaml"]) == 2, wrong
    assert not (tmp_path / "x").exists()


def test_the_page_of_changes_is_of_the_policies_as_they_are() -> None:
    page = (data_files.FOLDER / "CHANGES.md").read_text("utf-8")
    mark = f"{substance(load_document('2.0.4'))} {substance(load_document())}"
    assert mark in page, "run: mlxk-rules diff 2.0.4 --markdown > rules/CHANGES.md"


def test_one_more_type_is_told_by_that_type(tmp_path: Path) -> None:
    # Conditions are taken apart at their || and &&: one asked as a whole is a riddle that takes minutes, and no facts.
    over = tmp_path / "over.yaml"
    over.write_text(
        "schema: 1\nname: mlx\nversion: 3.0.0\nextends: 2.0.4\nsets:\n  vision_model_types:\n    add: [brandnew]\n"
    )
    found = difference(Policy.load("2.0.4"), Policy.load(over))
    shown = [change.witness.differing for change in found.changes if change.witness is not None]
    assert len(shown) == len(found.changes) > 0
    assert all("brandnew" in repr(differing).lower() for differing in shown)


def test_an_or_of_facts_is_taken_apart() -> None:
    either = BASE.replace("contains(sets.types, lower(model.type))", "(request.audio || contains(sets.types, 'llava'))")
    new = BASE.replace("contains(sets.types, lower(model.type))", "(request.audio || model.type == 'llava')")
    found = difference(Policy.from_text(either, "old"), Policy.from_text(new, "new"))
    (change,) = found.changes
    assert found.exact and change.witness is not None and change.witness.differing == {"request.images": True}


def test_versions_of_policies_called_otherwise_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(BASE)
    new.write_text(BASE.replace("name: tiny", "name: mine").replace("share: 0.5", "share: 0.25"))
    assert main(["diff", str(old), str(new)]) == 1
    assert "or later" not in capsys.readouterr().out
    assert main(["diff", str(old), str(new), "--check-version"]) == 1
    assert "2.0.0 or later" in capsys.readouterr().out


def test_conditions_that_ask_no_fact() -> None:
    always = BASE.replace("when: request.images\n", "when: has_key(limits, 'share')\n")
    old = Policy.from_text(always, "old")
    found = difference(old, Policy.from_text(always.replace("http: 400", "http: 501"), "new"))
    assert not found.same and found.exact


def test_the_order_of_a_set_is_an_edit_where_it_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    first = BASE.replace("contains(sets.types, lower(model.type))", "contains(sets.types[:1], lower(model.type))")
    old.write_text(first)
    new.write_text(first.replace("[llava, pixtral]", "[pixtral, llava]"))
    assert main(["diff", str(old), str(new), "--check-version"]) == 1
    out = capsys.readouterr().out
    assert "reorders `types`" in out and "a major change" in out


def test_evidence_counts_whatever_was_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # No folder has a type while its config.json is missing, but a line of JSON may say so.
    gate = "when: model.type == 'llama' && config_status == 'missing'"
    old, new, facts = tmp_path / "old.yaml", tmp_path / "new.yaml", tmp_path / "facts.jsonl"
    old.write_text(BASE)
    new.write_text(BASE.replace("when: request.images\n", f"{gate}\n").replace("1.2.3", "1.2.4"))
    facts.write_text(json.dumps({**ordinary(), "config": None, "config_status": "missing"}))
    assert main(["diff", str(old), str(new), "--facts", str(facts), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["same"] is False and said["exact"] is False and said["facts"]
    version = said["version"]
    assert (version["bump"], version["least"], version["enough"]) == ("major", "2.0.0", False)
    assert main(["diff", str(old), str(new), "--facts", str(facts), "--check-version"]) == 1


@pytest.mark.slow
def test_what_is_not_proved_is_not_enough(tmp_path: Path) -> None:
    # More patterns together than are looked at: whether all is the same is then not known.
    many = " && ".join(f"glob(model.files[?glob([@], '*{a}*{b}*{c}') != `[]`], '*{b}{a}*') == `[]`"
                       for a, b, c in ("abc", "bcd", "cde", "def", "efg", "fgh", "ghi"))  # fmt: skip
    texts = [
        BASE.replace("when: request.images\n", f"when: request.images && {also}{many}\n") for also in ("", "`true` && ")
    ]
    texts[1] = texts[1].replace("1.2.3", "1.2.4")
    found = difference(Policy.from_text(texts[0], "old"), Policy.from_text(texts[1], "new"))
    assert found.same and not found.complete and not found.exact
    assert not bump(found).sure
    files = tmp_path / "old.yaml", tmp_path / "new.yaml"
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    assert (
        main(["diff", *map(str, files), "--check-version"]) == 2
    )  # neither enough nor too little, for all that is known
