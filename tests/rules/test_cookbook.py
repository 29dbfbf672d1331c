"""Every recipe of the cookbook: the file in the page loads, and decides before and after as its table says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.facts.assignments import override
from mlxk_rules.loaders import probe

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "rules" / "COOKBOOK.md").read_text("utf-8")
RECIPES = {
    heading: (yaml, re.findall(r"^\| (`.*`) \| (\w+ [\w-]+) \| (\w+ [\w-]+) \|$", rest, re.MULTILINE))
    for heading, yaml, rest in re.findall(r"^## (.*?)\n.*?```yaml\n(.*?)```\n(.*?)(?=^## )", TEXT, re.M | re.S)
}


def decided(policy: Policy, assignments: list[str]) -> str:
    facts: dict[str, Any] = probe(ROOT / "tests" / "models" / "hello", dry_run=False)
    decision = policy.decide(override(facts, assignments, policy.derived_types))
    return f"{decision.decision} {decision.gate}"


def test_the_recipes_are_found() -> None:
    assert list(RECIPES) == [
        "Add a model type",
        "Raise a limit",
        "Forbid an organisation's models",
        "Require a minimum mlx-vlm version",
        "Refuse every folder that names code",
        "Change one key of a gate",
        "Allow an adapter and a draft model",
        "Allow all adapters, for some models",
        "A gate for a time, and one to be tried",
    ]


@pytest.mark.parametrize("heading", RECIPES)
def test_recipe(heading: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, rows = RECIPES[heading]
    file = tmp_path / "policy.yaml"
    file.write_text(text, "utf-8")
    assert main(["validate", str(file)]) == 0, capsys.readouterr().out
    before, after = Policy.load(), Policy.load(file)
    assert len(rows) >= 2
    for facts, was, became in rows:
        assignments = re.findall(r"`([^`]+)`", facts)
        assert (decided(before, assignments), decided(after, assignments)) == (was, became), assignments
    assert any(was != became for _, was, became in rows)


def test_the_cases_of_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cases,) = re.findall(r"^## Test it\n.*?((?:^    [^\n]*\n)+)", TEXT, re.M | re.S)
    (tmp_path / "without-acme.yaml").write_text(RECIPES["Forbid an organisation's models"][0], "utf-8")
    (tmp_path / "without-acme.tests.yaml").write_text(dedent(cases), "utf-8")
    words = ["test", str(tmp_path / "without-acme.yaml"), "--mutate", "--fail-under", "100"]
    assert main(words) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "4 cases" in said
    # Of the file's own gate, not of all that it extends.
    assert "coverage  100.0 %  gates fired and not 2/2" in said and "mutants   100.0 %" in said


def test_the_schema_line_of_a_users_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator
    from yaml import safe_load

    assert main(["policy", "--schema"]) == 0
    schema = Path(capsys.readouterr().out.strip())
    validator = Draft202012Validator(json.loads(schema.read_text("utf-8")))
    assert re.search(r"# yaml-language-server: \$schema=\S+/policy\.schema\.json", TEXT)
    for text, _ in RECIPES.values():
        plain = json.loads(json.dumps(safe_load(text), default=str))  # PyYAML alone makes a date of a day
        assert not list(validator.iter_errors(plain))
    for shipped in ("policy.yaml", "2.0.4.yaml"):
        first = (ROOT / "rules" / shipped).read_text("utf-8").split("\n", 1)[0]
        assert first == "# yaml-language-server: $schema=./policy.schema.json"
