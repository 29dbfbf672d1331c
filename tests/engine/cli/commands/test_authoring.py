"""What authors of rules ask for: formats, cases by name, skipped ones, levels, traces, several policies."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator
from mlxk_rules.engine.cli.command_line import main

POLICY = """schema: 1
name: tiny
version: 1.2.3
gates:
  - id: no-audio
    when: request.audio
    decide: block
    error: no_audio
    message: no audio
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
CASES = """cases:
  - name: text is taken
    expect: {gate: text}
  - name: audio is not
    facts: {request: {audio: true}}
    expect: {gate: no-audio, http_status: 400}
  - name: audio later
    skip: {reason: mlx-audio is to come, until: 2999-12-31}
    facts: {request: {audio: true}}
    expect: {gate: text}
  - name: once skipped
    skip: {reason: it was so, until: 2020-01-01}
    expect: {gate: text}
"""
SARIF = json.loads((Path(__file__).parents[2] / "report/schemas/sarif-2.1.0-rtm.5.json").read_text("utf-8"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(POLICY)
    (tmp_path / "tiny.tests.yaml").write_text(CASES)
    return tmp_path / "tiny.yaml"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_formats_of_test(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "test", file, "--format", "junit")
    suite = ElementTree.fromstring(out).find("testsuite")
    assert code == 1 and suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    failed = [case for case in suite if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == ["audio is not"]
    assert "http_status is 501, 400 is expected" in str(failed[0][0].get("message"))

    code, out = said(capsys, "test", file, "--format", "github")
    assert code == 1 and out.startswith("::error title=mlxk-rules case-failed,file=") and ",line=4," in out
    assert "mlxk-rules test: 3 of 4 cases passed" in out

    code, out = said(capsys, "test", file, "--format", "sarif")
    log = json.loads(out)
    assert code == 1 and not list(Draft7Validator(SARIF).iter_errors(log))
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["case-failed"]


@pytest.mark.parametrize(
    ("pattern", "code", "count"), [("text", 0, "1 cases"), ("audio*", 1, "1 cases"), ("*o*", 1, "2 cases")]
)
def test_cases_by_name(pattern: str, code: int, count: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got, out = said(capsys, "test", file, "--only", pattern)
    assert got == code and count in out


def test_no_case_of_that_name(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "test", file, "--only", "nothing")
    assert code == 2 and "error[no-cases]: no case is called `nothing`" in out


def test_skipped_until_a_day(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "test", file)
    assert code == 1 and "3 cases of" in out
    assert "skipped  audio later" in out and "mlx-audio is to come, until 2999-12-31" in out
    assert "once skipped" not in out
    value = json.loads(said(capsys, "test", file, "--json")[1])
    assert [(one["name"], one["until"]) for one in value["skipped"]] == [("audio later", "2999-12-31")]
    file.with_name("tiny.tests.yaml").write_text(CASES.replace("2999-12-31", "some day"))
    code, out = said(capsys, "test", file)
    assert code == 2 and "`until` of `skip` is `some day`, a day is wanted" in out


@pytest.mark.slow
def test_run_again_on_a_change(file: Path) -> None:
    words = ["mlxk-rules", "test", str(file), "--watch"]
    script = f"import sys; from mlxk_rules.engine.cli import script; sys.argv = {words}; script()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = _until_waiting(process)
            file.with_name("tiny.tests.yaml").write_text(CASES.replace(", http_status: 400", ""))
            second = _until_waiting(process)
        finally:
            process.send_signal(2)
        assert process.wait(20) == 0
    assert "1 failed" in first and "all passed" in second


def _until_waiting(process: subprocess.Popen[str]) -> str:
    lines: list[str] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.stdout is not None:
        lines.append(process.stdout.readline())
        if not lines[-1] or lines[-1].startswith("waiting for a change"):
            break  # or it has ended
    return "".join(lines)


def test_formats_of_diff(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = file.with_name("new.yaml")
    new.write_text(POLICY.replace("request.audio", "request.audio || request.images"))
    code, out = said(capsys, "diff", file, new, "--format", "github")
    assert code == 1 and out.startswith("::error title=mlxk-rules decided-otherwise,file=")
    assert "changes `when` of the gate `no-audio`: images changes from allow mlx_lm to block no_audio (501)" in out
    code, out = said(capsys, "diff", file, new, "--format", "junit", "--check-version")
    suite = ElementTree.fromstring(out).find("testsuite")
    assert code == 1 and suite is not None
    assert [(case.get("name"), len(case)) for case in suite] == [
        ("changes `when` of the gate `no-audio`", 0),
        ("version", 1),
    ]
    code, out = said(capsys, "diff", file, new, "--format", "sarif")
    log = json.loads(out)
    assert code == 1 and not list(Draft7Validator(SARIF).iter_errors(log))
    assert said(capsys, "diff", file, file, "--format", "github") == (
        0,
        "mlxk-rules diff: 0 of 0 edits without another decision\n",
    )


EXPIRED = POLICY.replace("    when: request.audio", "    until: 2020-01-01\n    when: request.audio")


@pytest.mark.parametrize(
    ("levels", "words", "code", "level"),
    [
        ("", [], 0, "warning"),
        ("", ["--fail-on", "warning"], 1, "warning"),
        ("", ["--fail-on", "note"], 1, "warning"),
        ("levels: {gate-expired: error}\n", [], 1, "error"),
        ("levels: {gate-expired: note}\n", ["--fail-on", "warning"], 0, "note"),
        ("levels: {gate-expired: note}\n", ["--level", "gate-expired=error"], 1, "error"),
    ],
)
def test_levels(
    levels: str, words: list[str], code: int, level: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(EXPIRED + levels)
    got, out = said(capsys, "validate", file, "--format", "json", *words)
    value = json.loads(out)
    assert (got, value["valid"]) == (code, code == 0)
    assert [(problem["code"], problem["level"]) for problem in value["problems"]] == [("gate-expired", level)]
    assert f"{level}[gate-expired]" in said(capsys, "validate", file, *words, "--format", "text")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--level", "gate-expird=note"], "no error code `gate-expird`; did you mean `gate-expired`?"),
        (["--level", "gate-expired=loud"], "`--level` is `loud`, which is no level; one of error, warning, note"),
        (["--fail-on", "warn"], "did you mean `warning`?"),
    ],
)
def test_wrong_levels(words: list[str], says: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "validate", file, *words)
    assert code == 2 and says in out


def test_decide_with_a_trace(file: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = [{"model": {"name": "org/one"}, "request": {"audio": True}}, {"model": {"name": "org/two"}}]
    facts = file.with_name("facts.jsonl")
    facts.write_text("\n".join(["", *map(json.dumps, lines), "broken"]))
    assert main(["decide", str(facts), "--policy", str(file), "--trace"]) == 2
    answers: list[dict[str, Any]] = list(map(json.loads, capsysbinary.readouterr().out.splitlines()))
    assert [(one["line"], one["model"], one["gate"]) for one in answers[:2]] == [
        (2, "org/one", "no-audio"),
        (3, "org/two", "text"),
    ]
    assert [(gate["id"], gate["fired"]) for gate in answers[1]["gates"]] == [("no-audio", False), ("text", True)]
    assert answers[1]["gates"][0]["terms"][0]["facts"] == {"request.audio": False}
    assert answers[2]["error"]["line"] == 4


def test_several_policies(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hello = Path(__file__).parents[3] / "models" / "hello"
    for name, limit in (("one", "0.8"), ("two", "0.9")):
        file.with_name(f"{name}.yaml").write_text(
            f"schema: 1\nname: {name}\nversion: 1.0.0\nextends: tiny.yaml\nlimits: {{share: {limit}}}\ngates:\n"
            f"  - id: {name}\n    before: text\n    when: model.name == '{name}'\n    decide: block\n    error: x\n"
            "    message: x\n"
        )
    one, two = file.with_name("one.yaml"), file.with_name("two.yaml")
    words = ["explain", hello, "--quick", "--policy", one, "--policy", two]
    code, out = said(capsys, *words)
    assert code == 2 and "the limit `share` is changed by" in out and "write a policy that extends both" in out
    file.with_name("two.yaml").write_text(file.with_name("two.yaml").read_text().replace("0.9", "0.8"))
    code, out = said(capsys, *words, "--json")
    value = json.loads(out)
    assert code == 0 and [gate["id"] for gate in value["gates"]] == ["no-audio", "one", "two", "text"]
    assert value["policy_file"]["file"].count(" + ") == 1
