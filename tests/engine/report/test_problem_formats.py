"""The formats of `mlxk-rules validate`: each as other programs read it, whatever a rule file holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator
from mlxk_rules.engine import Problem
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.report.code_pages import codes
from mlxk_rules.engine.report.problem_formats import FORMATS, Report

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BAD = "tests/engine/rulefile/bad"
SCHEMA = json.loads((HERE / "schemas" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
HOSTILE = (
    "x\n::set-env name=PATH::/tmp\r::stop-commands::a%0A::error::\x1b[31m,a:b=c##[add-path]\u2028\u202e<&\"'>\0\ud800"
)

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


def problem(file: str = "a b/ü.yaml", **others: Any) -> Problem:
    given = {"line": 3, "column": 5, "text": "    when: x", "width": 4, "help": "mend it", **others}
    return Problem("unknown-fact", given.pop("message", "unknown fact `x`"), file=file, **given)


def hostile() -> list[Report]:
    wrong = problem(HOSTILE, message=HOSTILE, help=HOSTILE, text=HOSTILE)
    return [Report(HOSTILE, (wrong,)), Report(HOSTILE, (), f"{HOSTILE}: valid")]


SOME = [
    Report("a b/ü.yaml", (problem(), problem(line=0, column=0, text=""), problem("base.yaml"))),
    Report("nothing.yaml", (Problem("no-file", "no rule file `nothing.yaml`", "name one"),)),
    Report("good.yaml", (), "good.yaml: valid"),
]


def validated(capsys: Capture, *words: str) -> tuple[int, str]:
    code = main(["validate", *words])
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


# --- SARIF


def sarif(reports: list[Report]) -> dict[str, Any]:
    log = json.loads(FORMATS["sarif"](reports))
    errors = [f"{error.json_path}: {error.message}" for error in Draft7Validator(SCHEMA).iter_errors(log)]
    assert errors == []
    return log["runs"][0]


@pytest.mark.parametrize("reports", [[], SOME, hostile()], ids=["none", "some", "hostile"])
def test_sarif_is_sarif(reports: list[Report]) -> None:
    run = sarif(reports)
    assert len(run["results"]) == sum(len(report.problems) for report in reports)
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        region = location["physicalLocation"].get("region", {"startLine": 1, "startColumn": 1, "endColumn": 2})
        assert region["startLine"] >= 1
        assert 1 <= region["startColumn"] < region["endColumn"]


def test_sarif_places() -> None:
    first, second, third, fourth = sarif(SOME)["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 3, "startColumn": 5, "endColumn": 9}
    assert unquote(place["artifactLocation"]["uri"]) == "a b/ü.yaml"
    assert "region" not in second["locations"][0]["physicalLocation"]
    assert third["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "base.yaml"
    assert fourth["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "nothing.yaml"
    assert fourth["message"]["text"] == "no rule file `nothing.yaml`; name one"


def test_sarif_uris_are_relative_below_the_working_folder() -> None:
    inside, outside = str(ROOT / "rules" / "policy.yaml"), "/elsewhere/x y.yaml"
    uris = [artifact["location"]["uri"] for artifact in sarif([Report(inside, ()), Report(outside, ())])["artifacts"]]
    assert uris == ["rules/policy.yaml", "file:///elsewhere/x%20y.yaml"]


def test_sarif_rules_are_the_entries() -> None:
    every = Report("x.yaml", tuple(Problem(code, "m", file="x.yaml") for code in codes()))
    rules = {rule["id"]: rule for rule in sarif([every])["tool"]["driver"]["rules"]}
    assert rules.keys() == codes().keys()
    for code, entry in codes().items():
        rule = rules[code]
        # Shown where a person looks at a problem: all of the documentation is in the log, and no address is needed.
        assert rule["shortDescription"]["text"] == entry.title
        assert rule["fullDescription"]["text"] == entry.means
        assert entry.means in rule["help"]["text"] and entry.means in rule["help"]["markdown"]
        for example in (entry.bad, entry.good):
            assert example.strip() in rule["help"]["markdown"]


def test_sarif_context_is_larger_than_its_region() -> None:
    whole, part = problem(text="when: x", column=1, width=7), problem(text="when: x", column=7, width=1)
    first, second = sarif([Report("x.yaml", (whole, part))])["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["region"]["snippet"] == {"text": "when: x"} and "contextRegion" not in place
    place = second["locations"][0]["physicalLocation"]
    assert place["contextRegion"] == {"startLine": 3, "snippet": {"text": "when: x"}}


# --- GitHub's annotations


@pytest.mark.parametrize("reports", [SOME, hostile()], ids=["some", "hostile"])
def test_github_lines_are_ours(reports: list[Report]) -> None:
    *lines, last = FORMATS["github"](reports).split("\n")
    assert len(lines) == sum(len(report.problems) for report in reports)
    assert re.fullmatch(r"mlxk-rules validate: \d+ of \d+ rule files valid", last)
    for line in lines:
        assert re.fullmatch(r"::error [^:\x00-\x1f\u2028]*::[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]+", line)


def test_github_properties() -> None:
    first, *_ = FORMATS["github"]([Report("a,b:c.yaml", (problem("a,b:c.yaml", help="100 % of it"),))]).split("\n")
    assert first == (
        "::error title=mlxk-rules unknown-fact,file=a%2Cb%3Ac.yaml,line=3,col=5,endColumn=8"
        "::a,b:c.yaml:3:5: unknown fact `x`; 100 %25 of it [unknown-fact]"
    )


@pytest.mark.parametrize(
    ("actions", "words", "begins"),
    [
        ("true", [], "::error "),
        ("true", ["--format", "text"], f"{BAD}/arity-few.yaml:"),
        ("true", ["--json"], "{"),
        ("false", [], f"{BAD}/arity-few.yaml:"),
        ("", [], f"{BAD}/arity-few.yaml:"),
    ],
)
def test_github_inside_actions(
    actions: str, words: list[str], begins: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    code, out = validated(capsys, f"{BAD}/arity-few.yaml", *words)
    assert code == 1
    assert out.startswith(begins)


# --- JUnit


def test_junit() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](SOME))[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    failed, missing, good = suite
    assert [case.get("name") for case in suite] == ["a b/ü.yaml", "nothing.yaml", "good.yaml"]
    assert failed[0].tag == "failure" and (failed[0].text or "").count("\n") == 2
    assert missing[0].tag == "error" and missing[0].get("type") == "no-file"
    assert len(good) == 0


def test_junit_holds_whatever_there_is() -> None:
    text = FORMATS["junit"](hostile())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ufffe\uffff\ud800-\udfff]", text)
    suite = ElementTree.fromstring(text)[0]
    assert [len(case) for case in suite] == [1, 0]
    assert "<&\"'>" in (suite[0].get("name") or "")


# --- the command


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", *FORMATS])
@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([], 0),
        (["2.0.4", "rules/policy.yaml"], 0),
        ([f"{BAD}/many-problems.yaml", "2.0.4"], 1),
        ([f"{BAD}/many-problems.yaml", "nothing.yaml"], 2),
        ([f"{BAD}/not-utf-8.yaml"], 2),
    ],
)
def test_exit_codes(form: str, files: list[str], code: int, capsys: Capture) -> None:
    found, out = validated(capsys, "--format", form, *files)
    assert found == code
    assert out.endswith("\n")
    if form in ("json", "sarif"):
        json.loads(out)
    if form == "junit":
        assert len(ElementTree.fromstring(out)[0]) == max(1, len(files))


def test_json_is_the_same_both_ways(capsys: Capture) -> None:
    file = f"{BAD}/many-problems.yaml"
    assert validated(capsys, "--json", file) == validated(capsys, "--format", "json", file)


def test_text_tells_where_there_is_more(capsys: Capture) -> None:
    _, out = validated(capsys, f"{BAD}/arity-few.yaml")
    assert out.splitlines()[-1] == "`mlxk-rules validate --explain arity` tells more"
    _, out = validated(capsys, f"{BAD}/many-problems.yaml")
    assert out.splitlines()[-1].startswith("`mlxk-rules validate --explain unknown-fact` tells more, so of ")
    _, out = validated(capsys)
    assert "--explain" not in out


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["--format", "sarfi"], "`sarif`"),
        (["--format", "xml"], "one of text, json, sarif, github, junit"),
        (["--format"], "wants a value"),
        (["--format", "junit", "--json"], "one of them is enough"),
    ],
)
def test_wrong_format(words: list[str], right: str, capsys: Capture) -> None:
    assert main(["validate", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert right in err


@pytest.mark.parametrize("form", ["text", *FORMATS])
def test_a_hostile_name(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    name = "::error::x\n::debug::\x1b[2J.yaml"
    Path(name).write_text("schema: 1\nname: x\nversion: 1.0.0\ngates: ['::error::\\n::y']\n")
    _, out = validated(capsys, "--format", form, name, "2.0.4")
    assert "\x1b" not in out
    if form == "github":
        assert all(line.startswith(("::error title=mlxk-rules", "mlxk-rules validate: ")) for line in out.splitlines())
