"""mlxk-rules policy: the merged policy with its places, as one rule file that decides the same, and as pictures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.report.pages.diagram import dot, mermaid
from mlxk_rules.engine.report.pages.steps import steps
from mlxk_rules.loaders import probe

from ....case_files import cases
from ....rules.conformance.test_frozen import ROWS, facts_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
HELLO = str(ROOT / "tests" / "models" / "hello")
OVERLAYS: list[dict[str, Any]] = cases(__file__, "overlays.yaml")
Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, *words: str, code: int = 0) -> str:
    assert main(["policy", *words]) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.fixture(params=OVERLAYS, ids=[overlay["name"] for overlay in OVERLAYS])
def overlay(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, Any], str]:
    file = tmp_path / "over.yaml"
    file.write_text(request.param["text"], "utf-8")
    return request.param, str(file)


def by_name(parts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {part.get("name") or part["id"]: part for part in parts}


def test_where_each_part_is_from(overlay: tuple[dict[str, Any], str], capsys: Capture) -> None:
    case, file = overlay
    whole = json.loads(said(capsys, file, "--json"))
    assert len(whole["files"]) == 2 and whole["files"][0]["file"] == file
    for name, entries in case.get("entries", {}).items():
        found = {entry["value"]: entry for entry in by_name(whole["sets"])[name]["entries"]}
        for word, line in entries.items():
            assert (found[word]["file"], found[word]["line"]) == (file, line)
    for key in ("replaced", "new"):
        for kind, parts in case.get(key, {}).items():
            for name, line in parts.items():
                part = by_name(whole[kind])[name]
                assert (part["file"], part["line"]) == (file, line)
                assert ("replaces" in part) == (key == "replaced")
    assert [part["part"] for part in whole["removed"]] == case.get("removed", [])


def test_every_place_is_where_the_part_stands(overlay: tuple[dict[str, Any], str], capsys: Capture) -> None:
    _, file = overlay
    whole = json.loads(said(capsys, file, "--json"))
    lines: dict[str, list[str]] = {}

    def line(part: dict[str, Any]) -> str:
        name = part["file"]
        path = Path(name) if name == file else ROOT / "rules" / Path(name).name
        return lines.setdefault(name, path.read_text("utf-8").split("\n"))[part["line"] - 1]

    for part in (*whole["sets"], *whole["limits"], *whole["derive"]):
        assert f"{part['name']}:" in line(part)
    for gate in whole["gates"]:
        assert gate["id"] in line(gate)
    for part in whole["sets"]:
        for entry in part["entries"]:
            assert entry["value"] in line(entry)


def test_the_text_names_every_part(overlay: tuple[dict[str, Any], str], capsys: Capture) -> None:
    case, file = overlay
    text = said(capsys, file)
    document = Policy.load(file).document
    for part in (*document.sets, *document.limits, *document.derive):
        assert re.search(rf"^  {part.name} .*:\d+", text, re.MULTILINE), part.name
    for gate in document.gates:
        assert f" {gate.id}  {gate.decide} " in text
    for word in case.get("removed", []):
        assert f"- {word}" in text


def test_as_one_rule_file_it_decides_the_same(
    overlay: tuple[dict[str, Any], str], tmp_path: Path, capsys: Capture
) -> None:
    _, file = overlay
    alone = same_alone(said(capsys, file, "--yaml"), tmp_path, capsys)
    policy = Policy.load(file)
    for images in (False, True):
        for name in ("hello", "evil/hello", "brandnew"):
            folder = ROOT / "tests/models" / ("brandnew" if name == "brandnew" else "hello")
            facts = probe(folder, name, images, dry_run=False)
            for changed in ({}, {"total_bytes": 10_000}):
                facts["memory"] |= changed
                assert alone.decide(facts) == policy.decide(facts)
                assert alone.explain(facts).derived == policy.explain(facts).derived


@pytest.mark.parametrize("word", ["2.0.4", "today"])
def test_a_shipped_policy_as_one_file(word: str, tmp_path: Path, capsys: Capture) -> None:
    alone, shipped = same_alone(said(capsys, word, "--yaml"), tmp_path, capsys), Policy.load(word)
    if word == "2.0.4":
        for row in ROWS:
            assert alone.decide(facts_of(row)) == shipped.decide(facts_of(row))
    # Again from the file that came out: the same text but for the file's name.
    again = said(capsys, str(tmp_path / "whole.yaml"), "--yaml").split("\n", 1)[1]
    assert again == (tmp_path / "whole.yaml").read_text("utf-8").split("\n", 1)[1]


def same_alone(text: str, folder: Path, capsys: Capture) -> Policy:
    assert "extends" not in yaml.safe_load(text)
    (folder / "whole.yaml").write_text(text, "utf-8")
    assert main(["validate", str(folder / "whole.yaml"), "--json"]) == 0, text
    capsys.readouterr()
    return Policy.load(folder / "whole.yaml")


# --- pictures

NASTY = (
    'contains(model.name, \'"]; end\\n click g1 "javascript:alert(1)" %%{init}%% -->|x| <img src=x onerror=alert(1)>'
    " &quot; #quot; \\\\N \\\\G ` } { | ') && model.name != '</script>\u202e'"
)


def nasty() -> Policy:
    message = json.dumps("<script>alert(1)</script> `{{ model.name }}` \x1b[31m \u202e ]]> --> {{ NASTY }}").replace(
        "{{ NASTY }}", ""
    )
    text = (
        "schema: 1\nname: end\nversion: 1.0.0\nsets:\n  odd: ['<b>', '\"x\"', \"&amp;\"]\ngates:\n"
        f"  - id: end\n    when: {json.dumps(NASTY)}\n    decide: block\n    error: graph\n    http: 400\n"
        f"    message: {message}\n  - id: subgraph\n    otherwise: true\n    decide: allow\n    backend: mlx_lm\n"
    )
    return Policy.from_text(text, '"><script>alert(1)</script>.yaml')


def test_a_hostile_policy_stays_in_its_labels() -> None:
    document = nasty().document
    way = steps(document, None)
    for line in mermaid(document, way).splitlines():
        bare = re.sub(r'"[^"]*"', '""', line)
        assert re.fullmatch(r'[\w\s:,#\-<>()\[\]"]*', bare), line
        for label in re.findall(r'"([^"]*)"', line):
            assert re.fullmatch(r"(?:[\w .,_/-]|#\d+;|<br/>)*", label), label
    for line in dot(document, way).splitlines():
        bare = re.sub(r'"[^"]*"', '""', line)
        assert re.fullmatch(r'[\w\s=.{}\[\],;>"-]*', bare), line
        for label in re.findall(r'label="([^"]*)"', line):
            assert re.fullmatch(r"(?:[\w .,_/-]|&#\d+;|\\n)*", label), label


@pytest.mark.parametrize("form", ["--mermaid", "--dot"])
def test_gates_in_order_and_decisions_as_ends(form: str, capsys: Capture) -> None:
    text = said(capsys, "2.0.4", form)
    gates = Policy.load("2.0.4").document.gates
    places = [
        text.index(f'g{number} [label="{g.id}' if form == "--dot" else f'g{number}["{g.id}')
        for number, g in enumerate(gates, 1)
    ]
    assert places == sorted(places)
    for number, gate in enumerate(gates, 1):
        arrow = f"g{number} -> e{number}" if form == "--dot" else rf"g{number} -- \w+ --> e{number}"
        assert re.search(arrow, text)
        assert f"{gate.decide} " in text


@pytest.mark.parametrize("form", ["--mermaid", "--dot"])
def test_the_way_of_a_model_is_marked(form: str, capsys: Capture) -> None:
    plain, marked = said(capsys, form), said(capsys, form, "--model", HELLO, "--image")
    assert plain != marked
    trace = Policy.load().explain(probe(Path(HELLO), images=True, dry_run=False))
    number = len(trace.gates)
    if form == "--mermaid":
        assert re.findall(r"g(\d+)\[.*:::fired$", marked, re.MULTILINE) == [str(number)]
        assert len(re.findall(r":::passed$", marked, re.MULTILINE)) == number - 1
    else:
        assert re.findall(r"g(\d+) -> e.*penwidth", marked) == [str(number)]


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz here")
@pytest.mark.parametrize("policy", [nasty(), Policy.load()], ids=["hostile", "today"])
def test_graphviz_draws_it(policy: Policy) -> None:
    text = dot(policy.document, steps(policy.document, None))
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "<script" not in done.stdout and "<img" not in done.stdout


# --- words that do not go together


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--json --yaml", "do not go together"),
        ("--model x", "--mermaid"),
        ("--json --model x", "--mermaid"),
        ("--image --mermaid", "--model"),
        ("--html page.yaml", "--html NAME.html"),
        ("--html no/such/folder/page.html", "no/such/folder"),
        ("2.0.5", "2.0.5"),
        ("--mermaid --model no/such/model", "no/such/model"),
    ],
)
def test_wrong_words(line: str, words: str, capsys: Capture) -> None:
    assert main(["policy", *line.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and words in err


def test_the_schema_is_where_it_says(capsys: Capture) -> None:
    schema = json.loads(Path(said(capsys, "--schema").strip()).read_text("utf-8"))
    assert schema["title"] == "mlxk-rules policy"
