"""`mlxk-rules test`: what it prints and returns, what it counts, and what it refuses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.storage import data_files

from ...case_files import read_yaml

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
DATA = HERE / "data"


def rows(name: str) -> Any:
    return read_yaml(HERE / name)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


@pytest.mark.parametrize("row", rows("runs.yaml"), ids=lambda row: row["words"].replace("{}/", ""))
def test_command_line(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(row["words"].replace("{}", "data").split())
    said = capsys.readouterr()
    assert code == row["code"], said
    text = said.out if code < 2 else said.err
    assert "Traceback" not in text and "\x1b" not in text
    for part in row["says"]:
        assert part.replace("{}", "data") in text


@pytest.mark.parametrize("row", rows("bad.yaml"), ids=lambda row: f"{row.get('code')} {row['says']}")
def test_bad_case_file(row: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.yaml").write_text((DATA / "tiny.yaml").read_text("utf-8"), "utf-8")
    file = tmp_path / "cases.yaml"
    file.write_text(row["file"], "utf-8")
    assert main(["test", str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert row["says"] in said.err
    assert f"error[{row['code']}]" in said.err if "code" in row else True
    assert f"{file}:{row['at']}: " in said.err if "at" in row else True


def plain(words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(words.split())
    return json.loads(capsys.readouterr().out)


def test_json_is_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    found = plain("test data/failing.yaml --json", capsys)
    assert found["passed"] is False
    assert found["cases"] == {"total": 2, "failed": 1}
    [failure] = found["failures"]
    assert (failure["name"], failure["line"], failure["gate"]["id"]) == ("what fails", 5, "unknown")
    assert {"key": "decision", "expected": "allow", "got": "block"} in failure["differences"]
    assert found["mutation"] is None
    assert plain("test data/none.yaml --json --mutate", capsys)["coverage"] is None


def test_numbers_counted_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = rows("numbers.yaml")
    found = plain("test data/weak.yaml --json --mutate", capsys)
    coverage, mutation = found["coverage"], found["mutation"]
    seen, of = map(sum, zip(coverage["gates"], coverage["terms"], coverage["branches"], strict=True))
    assert {"seen": seen, "of": of} == numbers["coverage"]
    assert mutation["mutants"] == sum(numbers["mutants"].values())
    survivors = {mutant["id"] for mutant in mutation["survivors"]}
    assert mutation["noticed"] == len(numbers["weak"])
    assert survivors.isdisjoint(numbers["weak"])
    parts = Counter(id.split("/")[0] for id in (*survivors, *numbers["weak"]))
    assert parts == numbers["mutants"]


def test_each_kind_of_mutant_survives_and_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    weak = plain("test data/weak.yaml --json --mutate", capsys)["mutation"]["kinds"]
    strong = plain("test data/tiny.yaml --json --mutate", capsys)["mutation"]["kinds"]
    for kind, counts in strong.items():
        assert counts["noticed"] == counts["mutants"], kind
        assert weak[kind]["noticed"] < weak[kind]["mutants"] > 0, kind


def test_schema() -> None:
    schema = json.loads((data_files.FOLDER / "tests.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    files = [*(data_files.FOLDER / "tests").glob("*.yaml"), DATA / "tiny.tests.yaml", DATA / "folders.yaml"]
    for file in [*files, DATA / "explained.yaml", DATA / "failing.yaml"]:
        assert list(validator.iter_errors(read_yaml(file))) == [], file
