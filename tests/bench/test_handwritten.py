"""The hand-written function decides as rules/2.0.4.yaml does, message and all: else its speed says nothing."""

from __future__ import annotations

from typing import Any

from mlxk_rules.engine import Policy

from . import handwritten
from .data import folder_facts, row_facts

FROZEN = Policy.load("2.0.4")


def given(facts: dict[str, Any]) -> dict[str, Any]:
    """What stands for the hand-written detectors where a row of the truth table gives their answers."""
    derived = facts["derived"]
    return {
        "is_vision": lambda _: derived["vision"],
        "is_audio": lambda _: derived["audio"],
        "audio_backend": lambda _: derived["audio_backend"],
        "runtime_refusal": lambda _: None if derived["runtime_compatible"] else handwritten.runtime_refusal(facts),
        "is_large": lambda _: derived["memory_ratio"] > handwritten.MEMORY_RATIO,
    }


def test_every_folder_and_request() -> None:
    found = folder_facts()
    assert len(found) == 352
    assert [handwritten.decide(facts) for facts in found] == [FROZEN.decide(facts) for facts in found]


def test_every_row_of_the_truth_table() -> None:
    rows = row_facts()
    assert len(rows) == 3072
    assert [handwritten.decide(facts, **given(facts)) for facts in rows] == [FROZEN.decide(facts) for facts in rows]
