"""The fast part of the truth table: three sound models, a lane each, damaged in every way, really loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy

from . import table

pytestmark = pytest.mark.zoo

BASES = ("llama-2shards ", "smolvlm ", "moonshine-4bit ")
BAD = ("allowed but failed", "blocked but works")


def test_what_is_allowed_loads_and_what_is_blocked_would_fail(tmp_path: Path) -> None:
    policy = Policy.load()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    bases = Counter[str]()
    for row in table.rows(tmp_path, BASES):
        trace = policy.explain(row.facts)
        verdict = table.verdict_on(row, trace.decision, trace.derived["lane"])
        counts[verdict] += 1
        bases[row.base] += 1
        if verdict in BAD:
            wrong.append(f"{verdict}: {row.base}, {row.damage}: {trace.decision.gate}; {row.outcome.error}")
    assert wrong == []
    assert counts["agreed"] > 400
    assert min(bases[name.strip()] for name in BASES) >= 60
