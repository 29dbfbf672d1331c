"""Any policy that the schema describes: every command answers, none ends in a traceback, and all agree about it."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary, put
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.rulefile.loading import parts_of

from ..command_line import HELLO, harmless
from ..policies_by_schema import policies

pytestmark = pytest.mark.slow

SEEDED = settings(
    derandomize=True, deadline=None, database=None, max_examples=40, suppress_health_check=list(HealthCheck)
)
BASE = """
schema: 1
name: base
version: 1.0.0
sets: {one: [a], two: [b]}
limits: {low: 1, high: 3, share: 0.5}
derive:
  flag: {compute: request.images}
  word: [{when: request.audio, value: v}, {otherwise: null}]
gates:
  - {id: vision, when: request.images, decide: allow, backend: mlx_vlm}
  - {id: text-memory, when: model.size_bytes > limits.high, decide: warn, backend: mlx_lm, message: much}
  - {id: last, otherwise: true, decide: allow, backend: mlx_lm}
"""
CODE = re.compile(r"error\[([\w-]+)\]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("any")
    (here / "base.yaml").write_text(BASE)
    facts = [
        ordinary(),
        put(put(ordinary(), "model.type", "ab"), "request.images", True),
        put(put(ordinary(), "config.k", ["a", {"x": 1}]), "request.audio", True),
    ]
    (here / "facts.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in facts))
    return here


def asked(*words: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command."""
    streams = sys.stdout, sys.stderr
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    sys.stdout, sys.stderr = out, err
    try:
        code = main(words)
    finally:
        sys.stdout, sys.stderr = streams
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    assert code in (0, 1, 2), (words, code, said)
    assert "Traceback" not in said[1], (words, said)
    return code, *said


@SEEDED
@given(policies(allow_wrong=True))
def test_every_command_agrees_whether_it_is_one(folder: Path, policy: dict[str, Any]) -> None:
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True), "utf-8")
    name = str(file)
    code, out, _ = asked("validate", name, "--json")
    validated = json.loads(out)
    found = [problem["code"] for problem in validated["problems"]]
    is_policy = not any(problem["level"] == "error" for problem in validated["problems"])
    assert "schema" not in found, "the reader takes what the schema refuses"
    assert (code == 0) is is_policy
    _, in_editor = _in_editor(file)
    if not is_policy:
        assert sorted(in_editor) == sorted(found)
        for words in _every(folder, name):
            code, out, err = asked(*words)
            harmless(err)
            assert code == 2, (words, out, err)
            assert set(CODE.findall(err)) <= set(found) and CODE.search(err), (words, err, found)
        return
    assert in_editor == []
    for words in _every(folder, name):
        code, out, err = asked(*words)
        harmless(err)
        assert code != 2 or words[0] in ("diff", "audit"), (words, out, err)
        assert set(CODE.findall(err)) <= {"no-audit", "nothing-installed"}, (words, err)
    _decides_alike(folder, file)


def _in_editor(file: Path) -> tuple[Any, list[str]]:
    try:
        whole, problems = parts_of(file.read_text("utf-8"), str(file), file.parent)
    except PolicyError as error:
        return None, [problem.code for problem in error.problems]
    return whole, [problem.code for problem in problems]


def _every(folder: Path, name: str) -> list[tuple[str, ...]]:
    return [
        ("explain", HELLO, "--policy", name, "--quick", "--json"),
        ("explain", HELLO, "--policy", name, "--quick", "--gates", "--why", "--all"),
        ("decide", str(folder / "facts.jsonl"), "--policy", name),
        ("policy", name),
        ("policy", name, "--yaml"),
        ("policy", name, "--mermaid"),
        ("policy", name, "--html", str(folder / "page.html")),
        ("test", name, "--json"),
        ("diff", name, name),
        ("audit", name),
    ]


def _decides_alike(folder: Path, file: Path) -> None:
    policy = Policy.load(file)
    whole = folder / "whole.yaml"
    whole.write_text(asked("policy", str(file), "--yaml")[1], "utf-8")
    again = Policy.load(whole)
    _, out, _ = asked("decide", str(folder / "facts.jsonl"), "--policy", str(file))
    _, traced, _ = asked("decide", str(folder / "facts.jsonl"), "--policy", str(file), "--trace")
    lines = (folder / "facts.jsonl").read_text().splitlines()
    for number, (line, one, trace) in enumerate(
        zip(lines, map(json.loads, out.splitlines()), map(json.loads, traced.splitlines()), strict=True), 1
    ):
        facts = json.loads(line)
        decision = policy.decide(facts)
        assert one == {**decision.to_dict(), "line": number, "model": facts["model"]["name"]}
        assert {key: trace[key] for key in one} == one
        assert trace["gates"][-1]["id"] == decision.gate
        assert policy.explain(facts).decision == decision == policy.evaluation.decide(facts)
        told = again.decide(facts)
        assert (told.decision, told.gate, told.message, told.error_type) == (
            *(decision.decision, decision.gate, decision.message, decision.error_type),
        )
    assert asked("diff", str(file), str(file))[0] == 0
    assert asked("diff", str(file), str(whole))[0] == 0


@settings(SEEDED, max_examples=12)
@given(policies(allow_wrong=False), policies(allow_wrong=False))
def test_what_diff_and_analysis_say_of_any_two(folder: Path, one: dict[str, Any], other: dict[str, Any]) -> None:
    files = [folder / "old.yaml", folder / "new.yaml"]
    for file, policy in zip(files, (one, other), strict=True):
        if "extends" in policy:
            policy["extends"] = "base.yaml"
        file.write_text(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True), "utf-8")
    try:
        old, new = (Policy.load(file) for file in files)
    except PolicyError:
        return
    names = [str(file) for file in files]
    code, out, _ = asked("diff", *names, "--json")
    said = json.loads(out)
    assert {0: True, 1: False, 2: None}[code] is said["same"] or not said["exact"]
    differ = [
        line for line in (folder / "facts.jsonl").read_text().splitlines() if _outcome(old, line) != _outcome(new, line)
    ]
    assert not differ or said["same"] is not True
    assert asked("diff", *names, "--facts", str(folder / "facts.jsonl"))[0] == (1 if differ else code)
    for name in names:
        assert asked("validate", name, "--analyse", "--json")[0] in (0, 1)


def _outcome(policy: Policy, line: str) -> Any:
    told = policy.decide(json.loads(line))
    return told.decision, told.backend, told.error_type, told.http_status
