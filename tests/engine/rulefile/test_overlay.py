"""Policies that extend others, and how a policy is found. A case is a file in extends/: policies and `expected`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.storage.data_files import FOLDER

from ...case_files import read_documents

HERE = Path(__file__).parent
CASES = sorted((HERE / "extends").glob("*.yaml"))


def summary(policy: Policy) -> dict[str, Any]:
    document = policy.document
    return {
        "name": policy.name,
        "version": policy.version,
        "sets": policy.sets,
        "limits": policy.limits,
        "derive": [part.name for part in document.derive],
        "gates": [f"{gate.id}: {gate.decide} {gate.backend}" for gate in document.gates],
    }


@pytest.mark.parametrize("file", CASES, ids=[file.stem for file in CASES])
def test_merged(file: Path, tmp_path: Path) -> None:
    """Each file holds several documents: those of the policies by their names, and `expected`."""
    documents = {part["file"]: part for part in read_documents(file)}
    for name, part in documents.items():
        if name != "expected":
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(part["text"])
    merged = summary(Policy.load(tmp_path / "over.yaml"))
    expected = {key: value for key, value in documents["expected"].items() if key != "file"}
    assert {key: merged[key] for key in expected} == expected


def test_what_is_not_changed_stays(tmp_path: Path) -> None:
    file = tmp_path / "over.yaml"
    file.write_text("schema: 1\nname: mine\nversion: 1.0.0\nextends: 2.0.4\n")
    base, over = Policy.load("2.0.4"), Policy.load(file)
    assert summary(over) == {**summary(base), "name": "mine", "version": "1.0.0"}


def test_problems_of_the_base_stand_in_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("schema: 1\nname: x\nversion: 1.0.0\ngates: nothing\n")
    (tmp_path / "over.yaml").write_text("schema: 1\nname: x\nversion: 1.0.0\nextends: base.yaml\n")
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path / "over.yaml")
    assert [Path(problem.file).name for problem in caught.value.problems] == ["base.yaml"]


def test_a_chain_of_eight(tmp_path: Path) -> None:
    for number in range(9):
        above = "2.0.4" if number == 0 else f"p{number - 1}.yaml"
        (tmp_path / f"p{number}.yaml").write_text(f"schema: 1\nname: p\nversion: 1.0.{number}\nextends: {above}\n")
    assert Policy.load(tmp_path / "p7.yaml").version == "1.0.7"
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path / "p8.yaml")
    assert [problem.code for problem in caught.value.problems] == ["extends-too-deep"]


# --- what `Policy.load` takes


def test_shipped_by_version() -> None:
    assert Policy.load("2.0.4").version == "2.0.4"
    today = Policy.load()
    assert summary(Policy.load(today.version)) == summary(today)
    assert summary(Policy.load(None)) == summary(today)


@pytest.mark.parametrize("as_what", [str, Path])
def test_shipped_by_path(as_what: Any) -> None:
    assert Policy.load(as_what(FOLDER / "policy.yaml")).version == Policy.load().version


def test_a_file_called_like_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "2.0.4").write_text("schema: 1\nname: mine\nversion: 9.9.9\nextends: 2.0.4\n")
    assert Policy.load("2.0.4").version == "2.0.4"  # a word that is a version means the shipped one
    assert Policy.load("./2.0.4").version == "9.9.9"
    assert Policy.load(Path("2.0.4")).version == "9.9.9"


@pytest.mark.parametrize("word", ["9.9.9", "policy", "2.0", "", "../rules/policy.yaml", "facts.yaml"])
def test_no_such_policy(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyError) as caught:
        Policy.load(word)
    assert [problem.code for problem in caught.value.problems] == ["no-file"]
    assert caught.value.problems[0].help
