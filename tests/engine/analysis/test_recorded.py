"""`mlxk-rules diff --models` and `--facts`: what is decided otherwise of what one has, with and without a solver."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.cli.command_line import main

pytestmark = pytest.mark.slow

COMMIT = "a1" * 20
HELLO = Path(__file__).parents[2] / "models" / "hello"
OLD = """schema: 1
name: mine
version: 1.2.3
extends: today
"""
NO_IMAGES = """  - id: no-images
    before: adapter-only
    when: request.images
    decide: block
    error: images_refused
    http: 400
    message: no images here
"""
# Images are refused for another reason, and what is called great is refused for text too.
NEW = (
    OLD
    + f"""gates:
{NO_IMAGES}  - id: no-great
    before: text
    when: ends_with(model.name, 'great')
    decide: block
    error: great
    http: 400
    message: too great
"""
)
SMALL = """schema: 1
name: mine
version: 1.2.3
gates:
  - id: odd
    when: request.audio && model.name == 'never/seen'
    decide: block
    error: odd
    http: 400
    message: odd
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""


def cached(hub: Path, name: str, folder: Path | None) -> Path:
    """Put a copy of a model folder into a cache of models, or an empty snapshot that no ref names rightly."""
    repo = hub / f"models--{name.replace('/', '--')}"
    snapshot = repo / "snapshots" / COMMIT
    if folder is not None:
        shutil.copytree(folder, snapshot)
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(COMMIT)
    return snapshot


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hub = tmp_path_factory.mktemp("hub")
    cached(hub, "org/great", HELLO)
    cached(hub, "org/hello", HELLO)
    cached(hub, "org/unfinished", None)
    (cached(hub, "org/broken", HELLO) / "config.json").write_text("{broken")
    return hub


@pytest.fixture
def files(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    return str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")


@pytest.fixture
def no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["diff", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def rows(value: Any) -> set[tuple[str, str | None, str, str]]:
    return {(row["name"], row["request"], row.get("old", ""), row.get("new", "")) for row in value}


EXPECTED = {
    ("org/great", "text", "text", "no-great"),
    *((name, "images", "vision-capability", "no-images") for name in ("org/great", "org/hello")),
    *((name, "images+audio", "audio-capability", "no-images") for name in ("org/great", "org/hello")),
    ("org/broken", "images", "config", "no-images"),
    ("org/broken", "images+audio", "config", "no-images"),
    ("org/unfinished", None, "", ""),
}


@pytest.mark.long
def test_models_of_the_cache(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *files, "--models", "--json")
    value = json.loads(out)
    assert (code, err) == (1, "")
    assert rows(value["models"]) == EXPECTED
    assert value["same"] is False and value["facts"] is None and value["changes"]
    great = next(row for row in value["models"] if row["name"] == "org/great" and row["request"] == "text")
    assert great["before"] == ["allow", "mlx_lm", None, None]
    assert great["after"] == ["block", "unsupported", "great", 400]
    assert great["direction"] == "less permissive"


@pytest.mark.usefixtures("no_solver")
def test_models_without_the_solver(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *files, "--models")
    assert code == 1
    assert "\nadds the gate `no-images`, which decides block  " in out and "\nadds the gate `no-great`" in out
    assert "\nmodels: 7 decided otherwise, 1 cannot be read\n" in out
    assert "  org/great, text: allow mlx_lm -> block great (400) (less permissive)\n    text -> no-great\n" in out
    assert "org/unfinished: " in out
    assert err.count("\n") == 1 and "z3-solver" in err and "mlxk-rules[" not in err
    code, out, _ = run(capsys, *files, "--models", "--json")
    value = json.loads(out)
    assert (code, value["same"], value["exact"], value["solved"]) == (1, False, False, False)
    assert rows(value["models"]) == EXPECTED


@pytest.mark.usefixtures("no_solver")
def test_nothing_known_without_the_solver(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    recorded = Path(files[0]).with_name("facts.jsonl")
    recorded.write_text('{"model": {"name": "org/hello"}}\n')
    # A gate that no facts at hand show: what they do not show is not known.
    Path(files[0]).write_text(SMALL)
    Path(files[1]).write_text(SMALL.replace("request.audio", "model.name == 'never/seen'"))
    for words in ([], ["--facts", str(recorded)], ["--markdown"]):
        code, out, err = run(capsys, *files, *words)
        assert code == 2, words
        assert ("facts: none decided otherwise\n" in out) is ("--facts" in words)
        assert err.count("\n") == 1 and "error[no-solver]" in err and "z3-solver" in err and "mlxk-rules[" not in err
    code, out, err = run(capsys, *files, "--facts", str(recorded), "--json")
    assert (code, json.loads(out)["same"]) == (2, None)


@pytest.mark.usefixtures("no_solver")
def test_the_same_rules_take_no_solver(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    again = Path(files[0]).with_name("again.yaml")
    again.write_text(f"# a comment\n{OLD}")
    assert run(capsys, files[0], str(again))[0] == 0
    code, out, err = run(capsys, files[0], str(again), "--models", "--check-version", "--json")
    value = json.loads(out)
    assert (code, err, value["same"], value["exact"]) == (0, "", True, True)
    assert rows(value["models"]) == {("org/unfinished", None, "", "")}


@pytest.mark.usefixtures("no_solver")
@pytest.mark.parametrize(
    ("version", "words", "code", "says"),
    [
        ("1.2.3", [], 1, "1.2.3 is not enough"),
        ("1.2.4", [], 1, "minor change at least, as far as is known (something is decided otherwise), 1.3.0 or later"),
        ("1.3.0", [], 2, "not compared for all facts"),
        ("1.3.0", ["--models"], 1, "a major change (what was allowed is refused"),
        ("2.0.0", [], 0, "2.0.0 is enough"),
    ],
)
def test_versions_without_the_solver(
    version: str, words: list[str], code: int, says: str, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(files[1]).write_text(NEW.replace("1.2.3", version))
    got, out, err = run(capsys, *files, "--check-version", *words)
    assert got == code
    assert says in out + err and "Traceback" not in err
