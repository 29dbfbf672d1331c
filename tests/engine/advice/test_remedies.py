"""What would have to change: each row of cases.yaml as it says, and every remedy, once applied, is allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.advice.levers import Lever, levers, value_at, with_values
from mlxk_rules.engine.advice.remedies import MOST, Remedy, remedies
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.facts.assignments import override, size_in_bytes
from mlxk_rules.engine.facts.vocabulary import vocabulary
from mlxk_rules.engine.language.expression import parse
from mlxk_rules.engine.testing.facts import completed

from ...case_files import cases
from ...rules.conformance.test_frozen import MODELS
from ...rules.conformance.test_frozen import build as build_old
from ...rules.folders import facts_of, requests, without_backends
from ...rules.test_cases import CASES as FOLDERS
from ...rules.test_cases import built

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ROWS = {row["name"]: row for row in cases(__file__, "cases.yaml")}
POLICIES = {"2.0.4": Policy.load("2.0.4"), None: Policy.load()}
Capture = pytest.CaptureFixture[str]


def facts_in(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's facts, sizes read as `--set` reads them, and all others as of an ordinary model."""
    given = {
        name: size_in_bytes(value) if name.endswith("_bytes") and isinstance(value, str) else value
        for name, value in row["facts"].items()
    }
    return completed(with_values({}, given))


def check(policy: Policy, facts: dict[str, Any]) -> tuple[Remedy, ...]:
    """Each remedy is allowed when it is applied, by `--set` and fact by fact; without one of its levers it is not."""
    trace = policy.explain(facts)
    found = remedies(policy, facts, trace)
    if trace.decision.decision == "allow":
        assert found == ()
    assert len(found) <= MOST
    assert len({frozenset(change.lever for change in remedy.changes) for remedy in found}) == len(found)
    counts = [len({change.lever for change in remedy.changes}) for remedy in found]
    assert set(counts) <= {1} or set(counts) == {2}, "two together only where none is enough alone"
    for remedy in found:
        said = remedy.to_dict()
        assert json.loads(json.dumps(said)) == said
        decision = policy.decide(override(facts, said["set"], policy.derived_types))
        assert (decision.decision, decision) == ("allow", remedy.decision), remedy.text
        assert policy.decide(with_values(facts, {one["fact"]: one["to"] for one in said["changes"]})) == decision
        for change in remedy.changes:
            assert change.before == value_at(trace.facts, change.fact) != change.after
            others = {one.fact: one.after for one in remedy.changes if one.lever != change.lever}
            assert policy.decide(with_values(facts, others)).decision != "allow", "each is needed"
    return found


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: dict[str, Any]) -> None:
    policy, facts = POLICIES[row.get("policy")], facts_in(row)
    assert policy.decide(facts).gate == row["gate"]
    found = [remedy.to_dict() for remedy in check(policy, facts)]
    assert not any(re.search(r"\{\{|\}\}|\bNone\b|\bnull\b", remedy["text"]) for remedy in found)
    assert [{"text": remedy["text"], "set": remedy["set"]} for remedy in found] == row["remedies"]


def test_every_lever_is_in_a_row() -> None:
    pulled = {
        change.lever
        for row in ROWS.values()
        for remedy in check(POLICIES[row.get("policy")], facts_in(row))
        for change in remedy.changes
    }
    assert {lever.id for lever in levers().levers} - pulled == set()


@pytest.mark.parametrize("row", [row for row in ROWS.values() if "memory" in row["gate"]], ids=lambda row: row["name"])
def test_a_number_is_the_least_change(row: dict[str, Any]) -> None:
    policy, facts = POLICIES[row.get("policy")], facts_in(row)
    by_id = {lever.id: lever for lever in levers().levers}
    for remedy in check(policy, facts):
        for change in remedy.changes:
            lever = by_id[change.lever]
            if change.fact == lever.search:
                nearer = {one.fact: one.after for one in remedy.changes}
                # Bytes are said with one digit after the point.
                nearer[change.fact] += 1 if lever.step < 0 else -(1024**3) // 10 - 1
                assert policy.decide(with_values(facts, nearer)).decision != "allow"


# --- every folder of the other tests, every request, by turns on machines of three kinds

MACHINES = ("rich", "bare", "small")


def on(machine: str, facts: dict[str, Any]) -> dict[str, Any]:
    if machine == "bare":
        return without_backends(facts)
    if machine == "small":
        sizes = {f"weights.{name}.size_bytes": 10 * 1024**3 for name in ("mlx_lm", "mlx_vlm", "mlx_audio")}
        return with_values(facts, {"memory.total_bytes": 8 * 1024**3, **sizes})
    return facts


def swept(machine: str, facts: dict[str, Any]) -> int:
    """How many remedies were found of the facts on a machine, for every request and policy; each is checked."""
    return sum(
        len(check(policy, asked)) for asked in requests(on(machine, facts)).values() for policy in POLICIES.values()
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_every_folder_of_today(machine: str, tmp_path: Path) -> None:
    names = sorted(FOLDERS)[MACHINES.index(machine) :: len(MACHINES)]
    found = [swept(machine, built(FOLDERS[name], tmp_path / name)) for name in names]
    assert sum(map(bool, found)) > len(names) / 2


@pytest.mark.parametrize("machine", MACHINES)
def test_every_folder_of_the_record(machine: str, tmp_path: Path) -> None:
    models = MODELS[MACHINES.index(machine) :: len(MACHINES)]
    found = [swept(machine, facts_of(build_old(model, tmp_path / model["id"]), model["name"])) for model in models]
    assert sum(map(bool, found)) > len(models) / 2


# --- the data

NAMED = {"sets", "limits", "library", "to"}


@pytest.mark.parametrize("lever", levers().levers, ids=lambda lever: lever.id)
def test_a_lever_is_well_made(lever: Lever) -> None:
    facts = vocabulary().facts
    objects = [name for name, fact in facts.items() if "object" in fact.type.kinds]
    assert lever.kind in levers().kinds
    assert lever.facts
    for name in lever.facts:
        assert name in facts or any(name.startswith(f"{parent}.") for parent in objects), name
    ids = [other.id for other in levers().levers]
    assert len(set(ids)) == len(ids)
    assert lever.unless is None or ids.index(lever.unless) < ids.index(lever.id)
    texts = [*lever.let.values(), *lever.sets.values(), *re.findall(r"\{\{(.*?)\}\}", lever.text)]
    sections = {name.partition(".")[0] for name in facts} | NAMED | set(lever.let)
    for text in [*texts, *([lever.when] if lever.when else [])]:
        parse(text.strip())
        words = re.sub(r"'[^']*'|`[^`]*`|[\w.]+\(|[\w]+:|\.[\w.]+", " ", text)
        assert set(re.findall(r"[a-z_]\w*", words)) <= sections, text


# --- the command line

HELLO = "tests/models/hello"
QUICK = f"{HELLO} --quick"
FAILED = "--set dry_run.mlx_lm.status=failed --set dry_run.mlx_lm.reason=because"
LINES = [
    f"{QUICK} --image",
    f"{QUICK} --image --audio",
    f"{HELLO} --set memory.total_bytes=150MB --context 9000",
    f"{QUICK} --set memory.total_bytes=100KB",
    f"{QUICK} --set memory.total_bytes=null",
    f"{QUICK} --set runtime.mlx_lm.installed=false --set runtime.mlx_vlm.installed=false",
    f"{QUICK} --image --set runtime.mlx_lm.installed=false",
    f"{QUICK} {FAILED} --set dry_run.mlx_lm.phase=tokenizer",
    f"{QUICK} {FAILED} --set dry_run.mlx_lm.phase=template",
    f'{QUICK} --set weights.mlx_lm.faults=["model.safetensors:cut"]',
    f"{QUICK} --policy 2.0.4 --image",
    f"{QUICK} --policy 2.0.4 --set memory.total_bytes=100KB",
]
FLAGS = {"request.images=true": "--image", "request.audio=true": "--audio"}


def ran(capsys: Capture, line: str, *more: str) -> tuple[int, str]:
    code = main(["explain", *line.split(), *more])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("line", LINES)
def test_a_remedy_by_the_command_line(line: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = json.loads(ran(capsys, line, "--json")[1])["remedies"]
    said = ran(capsys, line)[1]
    assert found
    for remedy in found:
        assert " ".join(remedy["text"].split()) in " ".join(said.split())  # which is wrapped
        words = [word for assignment in remedy["set"] for word in ("--set", assignment)]
        code, out = ran(capsys, line, "--json", *words)
        answer = json.loads(out)
        assert (code, answer["decision"], answer["remedies"]) == (0, remedy["decision"], [])
        assert "what would have to change" not in ran(capsys, line, *words)[1]


def test_an_option_that_is_named(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = json.loads(ran(capsys, f"{HELLO} --context 9000 --set memory.total_bytes=150MB", "--json")[1])["remedies"]
    texts = [remedy["text"] for remedy in found if "--context" in remedy["text"]]
    assert len(texts) == 1
    named = re.search(r"--context \d+", texts[0])
    assert named
    said = ran(capsys, f"{HELLO} --set memory.total_bytes=150MB", *named[0].split())[1]
    assert said.startswith("allow")


def test_what_the_readme_shows(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    readme = (ROOT / "README.md").read_text("utf-8")
    command, block = re.findall(r"mlxk-rules explain (.*)\n```\n\n((?:    .*\n)+)", readme)[0]
    assert "what would have to change" in block
    assert "".join(f"{line[4:]}\n" for line in block.splitlines()) in ran(capsys, command)[1]


def test_where_nothing_helps_one_line_says_so(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said = ran(capsys, "tests/models/brandnew")[1]
    assert "what would have to change\n  nothing that is known to help, alone or with one more change\n" in said


def test_the_page_says_it_too(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = tmp_path / "page.html"
    ran(capsys, f"{QUICK} --image --html {page}")
    assert "<h3>What would have to change</h3>" in page.read_text("utf-8")
    assert "<li>without the image</li>" in page.read_text("utf-8")
    ran(capsys, f"{QUICK} --html {page}")
    assert "What would have to change" not in page.read_text("utf-8")


def test_names_of_a_folder_reach_no_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said = ran(capsys, QUICK, "--set", 'weights.mlx_lm.faults=["\\u001b[31mx\\u202e: cut"]')[1]
    assert "downloaded again" in said
    assert "\x1b" not in said and "\u202e" not in said


def test_nothing_is_imported_for_what_is_allowed() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from mlxk_rules.engine.cli import main; main(['explain', 'tests/models/hello', '--quick']); "
        "sys.exit('mlxk_rules.engine.advice.remedies' in sys.modules or 'z3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("allow") and done.returncode == 0, done.stderr
