"""What a half-downloaded snapshot of the Hugging Face cache lacks, told offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.loaders import LoaderError, cached, probe
from mlxk_rules.loaders.resolving import snapshot

A, B = "a1" * 20, "b2" * 20
FILES = ("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "tokenizer.json")


def repo(hub: Path, here: tuple[str, ...], tree: object = None, other: tuple[str, ...] = ()) -> Path:
    """A repo whose main is snapshot A with these files; `tree` is what trees/A.json holds, `other` are B's files."""
    root = hub / "models--org--name"
    for commit, names in ((A, here), (B, other)):
        folder = root / "snapshots" / commit
        if names:
            folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text('{"model_type": "llama"}' if name == "config.json" else "")
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(A)
    if tree is not None:
        (root / "trees").mkdir()
        (root / "trees" / f"{A}.json").write_text(json.dumps(tree))
    return root / "snapshots" / A


def tree_of(*names: str) -> dict[str, object]:
    return {"format_version": 1, "files": {name: {"size": 1} for name in names}}


def test_the_missing_files_are_named_and_the_whole_revision(tmp_path: Path) -> None:
    path = repo(tmp_path, FILES[:2], tree_of(*FILES), FILES)
    assert snapshot.facts(str(path)) == {
        "missing_files": [*FILES[2:]],
        "missing_bytes": 2,
        "whole_revision": B[:12],
    }


def test_a_whole_snapshot_lacks_nothing(tmp_path: Path) -> None:
    path = repo(tmp_path, FILES, tree_of(*FILES), FILES)
    assert snapshot.facts(str(path)) == {"missing_files": [], "missing_bytes": 0, "whole_revision": None}


def test_without_a_tree_nothing_is_said_but_that_another_holds_weights(tmp_path: Path) -> None:
    path = repo(tmp_path, ("config.json",), None, FILES)
    assert snapshot.facts(str(path)) == {"missing_files": [], "missing_bytes": None, "whole_revision": B[:12]}


@pytest.mark.parametrize("tree", [[], {}, {"files": 3}, {"files": {"a\0b": {}}}, "x"])
def test_a_tree_of_another_kind_says_nothing(tmp_path: Path, tree: object) -> None:
    path = repo(tmp_path, FILES, tree)
    assert snapshot.facts(str(path)) == {"missing_files": [], "missing_bytes": None, "whole_revision": None}


def test_a_plain_folder_is_no_snapshot(tmp_path: Path) -> None:
    assert snapshot.facts(str(tmp_path)) == {"missing_files": [], "missing_bytes": None, "whole_revision": None}


def test_the_policy_says_what_to_fetch(tmp_path: Path) -> None:
    path = repo(tmp_path, (FILES[0], FILES[3]), tree_of(*FILES), FILES)
    decision = Policy.load().decide(probe(path, dry_run=False))
    assert (decision.gate, decision.error_type) == ("incomplete-download", "incomplete_download")
    assert FILES[1] in (decision.message or "") and f"@{B[:12]}" in (decision.message or "")


def test_a_repo_on_a_drive_that_is_away_is_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "models--org--away").symlink_to("/nowhere/models--org--away")
    (found,) = list(cached())
    assert found.repo == "org/away"
    assert isinstance(found.found, LoaderError)
    assert "cannot be opened" in found.found.message and "drive" in (found.found.help or "")
