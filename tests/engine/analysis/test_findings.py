"""Each file in findings/ is a small policy; its first line says what is to be found: code and name, | between."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.finding import CODES, stated
from mlxk_rules.engine.analysis.findings import findings


def named(message: str) -> str:
    """Return what a message is about: the first word in backticks, `#` of a whole comment."""
    return message.replace(" of `", " `").split("`")[1].split(" ")[0]


FILES = sorted((Path(__file__).parent / "findings").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_finds_what_the_first_line_says(file: Path) -> None:
    text = file.read_text("utf-8")
    expected = text.splitlines()[0].removeprefix("# expect:")
    wanted = sorted(tuple(part.split()) for part in expected.split("|") if part.strip())
    notes = {code for code, *_ in wanted if code == "order-free"}
    found = [finding for finding in findings(Policy.load(file)) if finding.fault or finding.problem.code in notes]
    assert sorted((f.problem.code, named(f.problem.message)) for f in found) == wanted
    for finding in found:
        assert finding.problem.code in CODES
        assert finding.problem.line and finding.problem.column and finding.problem.text
        assert stated(finding).message.endswith("(exact)")


def test_the_gates_that_hide_one_are_named() -> None:
    found = findings(Policy.load(Path(__file__).parent / "findings" / "hidden.yaml"))
    assert "`one`, `two` before it decide all" in next(f.problem.message for f in found if f.fault)


def test_the_frozen_policy_is_clean_or_explains_itself() -> None:
    # Of today's policy .ci/run asks this by `mlxk-rules validate --analyse`, which takes minutes.
    found = findings(Policy.load("2.0.4"))
    assert [str(finding.problem) for finding in found if finding.fault] == []


def test_the_last_gate_is_not_to_be_put_before_others() -> None:
    (found,) = [f for f in findings(Policy.load(Path(__file__).parent / "findings" / "last-hidden.yaml")) if f.fault]
    assert found.problem.help == "delete it, and let `text` be the last: `otherwise: true` in place of its `when`"
