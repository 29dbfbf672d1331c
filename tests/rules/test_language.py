"""rules/LANGUAGE.md: every example in it run, every function and type in it, and nothing that is not there."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.facts.vocabulary import vocabulary
from mlxk_rules.engine.language.functions import FUNCTIONS, OURS

from ..engine.helpers import GOOD, REST, policy_text

TEXT = (Path(__file__).parents[2] / "rules" / "LANGUAGE.md").read_text("utf-8")


def section(heading: str) -> str:
    return TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def codes(cell: str) -> list[str]:
    """Return what stands between back-quotes, single or double."""
    return [(double or single).strip() for double, single in re.findall(r"``(.+?)``(?!`)|`([^`]+)`", cell)]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of a section's tables; a pipe within code is no border."""
    found: list[list[str]] = []
    for line in section(heading).splitlines():
        if line.startswith("| ") and not line.startswith(("| function", "| type |", "| meant")):
            found.append([cell.strip() for cell in re.split(r"(?<!\|)\|(?!\|)", line) if cell.strip()])
    return found


EXAMPLES = [codes(row[2])[0] for heading in ("Types", "Functions") for row in rows(heading)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example: str) -> None:
    expression, _, value = example.rpartition(" -> ")
    derived = Policy.from_text(policy_text(compute=expression)).explain(GOOD).derived
    assert derived["value"] == json.loads(value)


def test_every_function_is_there_as_it_is() -> None:
    listed = {codes(row[0])[0]: row[1] for row in rows("Functions")}
    assert listed == {function.signature: function.means for function in FUNCTIONS.values()}
    names = [signature.partition("(")[0] for signature in listed]
    assert names[: len(OURS)] == [function.name for function in OURS]
    for row in rows("Functions"):
        name = codes(row[0])[0].partition("(")[0]
        assert f"{name}(" in codes(row[2])[0], f"the example of {name} does not call it"


def test_every_type_is_there() -> None:
    listed = {codes(row[0])[0] for row in rows("Types")}
    used: set[str] = set()
    for fact in vocabulary().facts.values():
        used.add(str(fact.type.without_null()) if not fact.type.anything else "anything")
    for function in FUNCTIONS.values():
        for kind in (*function.takes, function.gives):
            used |= {"anything"} if kind.anything else set(str(kind).split(" or "))
    assert used <= listed
    assert listed <= used | {"null", "list"}


CONDITIONS = [(row[0], codes(row[1]), codes(row[2])[0]) for row in rows("Writing conditions")]


@pytest.mark.parametrize(("meant", "written", "wrong"), CONDITIONS, ids=[meant for meant, _, _ in CONDITIONS])
def test_how_a_condition_is_written(meant: str, written: list[str], wrong: str) -> None:
    for expression in written:
        if not expression.startswith("text("):
            Policy.from_text(policy_text(when=expression))
        Policy.from_text(policy_text(compute=expression))
    with pytest.raises(PolicyError):
        Policy.from_text(policy_text(when=wrong))


def test_the_derived_facts_of_the_page() -> None:
    (block,) = re.findall(r"\n\n((?:    .*\n)+)", section("A file, part by part"))
    head = "schema: 1\nname: page\nversion: 1.0.0\nsets:\n  vision_types: [llava]\n"
    policy = Policy.from_text(f"{head}{textwrap.dedent(block)}gates:\n{REST}")
    derived: dict[str, Any] = policy.explain(GOOD).derived
    assert (derived["vision"], derived["memory_ratio"]) == (False, 0.5)


def test_every_part_of_a_file_is_there() -> None:
    schema = json.loads((Path(__file__).parents[2] / "rules" / "policy.schema.json").read_text("utf-8"))
    listed = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", section("A file, part by part"), re.M))))
    assert set(schema["properties"]) - {"description", "audit"} <= listed


def test_every_key_of_a_gate_is_there() -> None:
    schema = json.loads((Path(__file__).parents[2] / "rules" / "policy.schema.json").read_text("utf-8"))
    listed = set(re.findall(r"`(\w+):?`", section("A file, part by part")))
    listed |= set(re.findall(r"`(\w+):", section("A file, part by part")))
    assert set(schema["$defs"]["gate"]["properties"]) <= listed


def test_every_part_of_a_case_file_is_there() -> None:
    schema = json.loads((Path(__file__).parents[2] / "rules" / "tests.schema.json").read_text("utf-8"))
    page = section("A case file, part by part")
    listed = set(re.findall(r"`(\w+)`", page))
    case = schema["$defs"]["case"]["properties"]
    assert {*schema["properties"], *case, *case["expect"]["properties"]} <= listed
