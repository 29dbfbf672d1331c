"""rules/codes.yaml: every code that can be printed has an entry, every entry's code can be, and each example holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.report.code_pages import Entry, codes, markdown
from mlxk_rules.engine.storage.data_files import FOLDER

from ..rulefile.test_document_reader import codes_of_the_source

ROOT = Path(__file__).parents[3]
ENTRIES = list(codes().values())
EXAMPLES = [entry for entry in ENTRIES if entry.bad]
DATA = yaml.safe_load((FOLDER / "codes.yaml").read_bytes())
INSIDE = {given["code"]: given.get("in", "gate") for section in DATA["sections"] for given in section["codes"]}

# Codes of rule files that no small example shows.
NO_EXAMPLE = {
    "unreadable-file": "needs a file that may not be read",
    "file-too-large": "needs 16 MiB",
    "not-utf-8": "cannot stand in a file that is UTF-8",
    "too-many-problems": "needs 200 of them",
    "schema": "would be a bug of ours",
    "expression-too-long": "needs 4,000 characters",
    "expression-too-deep": "needs sixty brackets",
    "overlay-conflict": "needs three files",
}
# Codes that the sources hold other than as the first word of a call.
FIXED = {"bug", "output"}
# Sections that are not of rule files.
_RULES = (
    "The command line",
    "Models",
    "Asking the hub",
    "Running a model",
    "Several machines",
    "Cases",
    "Versions and days",
    "Analysis",
    "Serving",
)


def codes_of_the_rest() -> set[str]:
    """Return the codes of the command line, of case files, of the analysis and of the loaders."""
    calls = (
        (r"UsageError\(\s*\"([a-z-]+)\"", "engine/**/*.py"),
        (r"LoaderError\(\s*\"([a-z_]+)\"", "loaders/**/*.py"),
        (r"\"((?:unreadable|bad)_[a-z]+)\"", "loaders/machines/*.py"),
        (r"Refusal\(rank, \"([a-z_]+)\"", "loaders/ring/*.py"),
        (r"(?:[Pp]roblem|note|_finding)\((?:[^\"()]*,)?\s*\"([a-z][a-z-]+)\"", "engine/**/*.py"),
    )
    found: set[str] = set()
    for pattern, files in calls:
        for file in ROOT.glob(files):
            found |= set(re.findall(pattern, file.read_text("utf-8")))
    return found


def test_every_code_has_an_entry() -> None:
    missing = (codes_of_the_source() | codes_of_the_rest()) - set(codes())
    assert missing == set(), "add these to rules/codes.yaml"


def test_every_entry_has_a_code() -> None:
    assert set(codes()) - codes_of_the_source() - codes_of_the_rest() - FIXED == set()


def test_every_code_of_rule_files_has_an_example() -> None:
    without = {entry.code for entry in ENTRIES if not entry.bad and entry.section not in _RULES}
    assert without == set(NO_EXAMPLE)


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.code for entry in ENTRIES])
def test_wording(entry: Entry) -> None:
    sentences = re.findall(r"[.!?](?= |$)", entry.means)
    assert 1 <= len(sentences) <= 3, "two sentences or so"
    assert entry.means.endswith(".")
    assert entry.title[0].isupper() or not entry.title[0].isalpha() or entry.title.startswith("true")
    assert not entry.title.endswith(".")
    assert bool(entry.bad) == bool(entry.good)


def whole(example: str, inside: str) -> str:
    """Return an example put into the base that codes.yaml names for it: the text of a rule file."""
    if inside == "file":
        return example
    base = blocks(DATA["bases"]["policy" if inside == "gate" else inside])
    if inside != "gate":
        return "".join({**base, **blocks(example)}.values())
    first, rest = re.split(r"^(?=  - )", base["gates"], flags=re.MULTILINE)[1:]
    lines = {**blocks(re.sub(r"^(  - |    )", "", first, flags=re.MULTILINE)), **blocks(example)}
    indented = "".join(f"    {line}" for line in "".join(lines.values()).splitlines(keepends=True))
    return "".join({**base, "gates": f"gates:\n  -{indented[3:]}{rest}"}.values())


def blocks(text: str) -> dict[str, str]:
    """Return the text of each key at the margin, with the comments above it and what is indented below it."""
    found = re.findall(r"^((?:#.*\n)*([\w-]+):.*\n(?:[ -].*\n)*)", text, re.MULTILINE)
    return {key: block for block, key in found}


def found_in(text: str, folder: Path) -> set[str]:
    (folder / "example.yaml").write_text(text, "utf-8")
    try:
        Policy.load("example.yaml")
    except PolicyError as error:
        return {problem.code for problem in error.problems}
    return set()


@pytest.mark.parametrize("entry", EXAMPLES, ids=[entry.code for entry in EXAMPLES])
def test_examples(entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bad, good = (whole(example, INSIDE[entry.code]) for example in (entry.bad, entry.good))
    assert found_in(bad, tmp_path) == {entry.code}
    assert found_in(good, tmp_path) == set()
    for text, example in ((bad, entry.bad), (good, entry.good)):
        assert all(line.strip() in text for line in example.splitlines()), "the example stands in what was run"


def test_the_page_is_up_to_date() -> None:
    said = "run `python -m mlxk_rules.engine.report.code_pages`"
    assert (FOLDER / "CODES.md").read_text("utf-8") == markdown(), said


# --- mlxk-rules validate --explain

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.code for entry in ENTRIES])
def test_explain(entry: Entry, capsys: Capture) -> None:
    assert main(["validate", "--explain", entry.code]) == 0
    assert capsys.readouterr().out == f"{entry.text()}\n"
    assert main(["validate", "--explain", entry.code, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == entry.to_dict()


def test_explain_as_it_was_printed(capsys: Capture) -> None:
    assert main(["validate", "--explain", "error[negated-path]"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("negated-path: ")
    assert "wrong\n    when: '!request.images'\n" in out
    assert "right\n    when: '!(request.images)'\n" in out


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["--explain", "unknwon-fact"], "did you mean `unknown-fact`?"),
        (["--explain", "UNKNOWN-FACT"], "did you mean `unknown-fact`?"),
        (["--explain", "zzz"], "rules/CODES.md"),
        (["--explain", ""], "rules/CODES.md"),
        (["--explain", "\x1b[31m\ud800"], "rules/CODES.md"),
        (["--explain"], "wants a value"),
        (["x.yaml", "--explain", "arity"], "--explain CODE"),
        (["--explain", "arity", "--format", "json"], "--explain CODE"),
    ],
)
def test_explain_wrongly(words: list[str], right: str, capsys: Capture) -> None:
    assert main(["validate", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert right in err
    assert "\x1b" not in err and err.count("\n") == 1
