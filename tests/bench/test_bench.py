"""The bench itself: what it says of figures, and that its peers are given the right gates. No time is asserted."""

from __future__ import annotations

import dataclasses
import json
import operator
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy

from . import deciding, environments, growing, page, streaming
from .data import folder_facts, row_facts
from .interpreted import Interpreted, needed
from .measure import Figure, Spread, by_turns, ratios, seconds
from .peers import answer, gates

FROZEN = Policy.load("2.0.4")


def figure(ratio: float | None, goal: float | None = 2.0, at_least: bool = True, **more: Any) -> Figure:
    spread = None if ratio is None else Spread.of([ratio])
    return Figure("deciding", "hand-written Python", spread, goal, at_least, "detail", **more)


def test_a_spread_has_quartiles() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 1)


def test_a_ratio_is_of_neighbours() -> None:
    assert ratios([2.0, 20.0, 6.0], [1.0, 10.0, 3.0]).median == 2.0


def test_turns_alternate_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def timer(name: str) -> float:
        order.append(name)
        return float(len(order))

    times = by_turns([lambda: timer("A"), lambda: timer("B")], 2)
    assert order == ["A", "B", "A", "B", "B", "A"]
    assert times == [[3.0, 6.0], [4.0, 5.0]]


@pytest.mark.parametrize(
    ("one", "verdict", "met"),
    [
        (figure(2.0), "met", True),
        (figure(1.9), "MISSED", False),
        (figure(2.0, at_least=False), "met", True),
        (figure(2.1, at_least=False), "MISSED", False),
        (figure(0.1, goal=None), "shown", True),
        (figure(None, missing="cannot be installed"), "not measured", False),
    ],
)
def test_verdicts(one: Figure, verdict: str, met: bool) -> None:
    assert (one.verdict, one.met) == (verdict, met)
    assert one.name in one.line


def test_a_time_in_the_unit_that_fits() -> None:
    assert [seconds(value) for value in (2.0, 0.25, 0.00012, 3e-8)] == ["2.00 s", "250 ms", "120 µs", "30.0 ns"]


def test_the_page_has_every_figure_and_draws_those_with_times() -> None:
    points = ((10.0, 1e-6), (10_000.0, 2e-6))
    shown = dataclasses.replace(figure(1.5, times=(1e-6, 2e-6)), section="deciding")
    grown = dataclasses.replace(figure(1.5), section="growing", name="gates", points=points, series="gates")
    text = page.page([[shown, grown], [shown, grown]])
    assert "| hand-written Python | 1.50" in text and "results/deciding-raw.svg" in text
    assert "results/growing.svg" in text and "--runs 2" in text


def test_pins_are_exact_and_in_two_groups() -> None:
    assert [pin.partition("==")[0] for pin in environments.pins("mlx-knife")] == ["mlx-knife", "mlx[cpu]"]
    assert len(environments.pins("engines")) == 5
    assert all("==" in pin for group in ("engines", "mlx-knife") for pin in environments.pins(group))


def test_no_peer_brings_in_gigabytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def pip(command: list[str]) -> None:
        commands.append(command)
        if "--report" in command:
            names = [{"metadata": {"name": name}} for name in ("numpy", "torch")]
            Path(command[command.index("--report") + 1]).write_text(json.dumps({"install": names}))

    monkeypatch.setattr(environments, "_run", pip)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(environments.NotInstalled, match="torch"):
        environments.environment("engines")
    assert "--dry-run" in commands[-1]


def test_a_peer_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(group: str) -> Path:
        raise environments.NotInstalled("no wheel for this platform")

    monkeypatch.setattr(deciding, "environment", none)
    found = list(deciding.against_engines(FROZEN, [], 1))
    assert len(found) == len(deciding.PEERS)
    assert all(one.verdict == "not measured" and "no wheel" in one.line for one in found)


def _holds(term: gates.Term, row: gates.Row) -> bool:
    value = row[term.fact]
    if term.operator in ("is", "not"):
        return value is (term.operator == "is")
    return {"==": operator.eq, "!=": operator.ne, ">": operator.gt}[term.operator](value, term.value)


@pytest.mark.slow
def test_the_peers_gates_and_decisions_are_the_engines() -> None:
    for facts in row_facts():
        row = gates.row_of(facts)
        gate = next((gate for gate, terms in gates.GATES if all(_holds(t, row) for t in terms)), gates.LAST)
        trace = FROZEN.explain(facts)
        found = answer.decision_of(gate, answer.about(facts, trace.derived))
        assert found.to_dict() == trace.decision.to_dict()


@pytest.mark.parametrize("spared", [False, True])
def test_the_interpreted_policy_decides_as_the_engine(spared: bool) -> None:
    document = FROZEN.document
    policy = Interpreted(document, only=needed(document) if spared else None)
    for facts in folder_facts()[::5]:
        assert policy.decide(facts) == FROZEN.decide(facts)


def test_grown_policies_load_and_decide() -> None:
    policy = Policy.from_text(growing.gates_text(10))
    facts = folder_facts()[0]
    kinds = [*(f"type-{number}" for number in range(10)), "other"]
    found = [policy.decide({**facts, "model": {**facts["model"], "type": kind}}).gate for kind in kinds]
    assert found == [*(f"gate-{number}" for number in range(10)), "last"]


@pytest.mark.slow
def test_what_decide_answers_is_what_the_bench_looks_for() -> None:
    rate, memory = streaming.figures("growing", 100, 1)
    assert rate.ratio is not None and memory.ratio is not None
