"""Whatever the facts hold, what is offered holds, and nothing raises."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..test_properties import BLOCKED, ODD, PATHS, SEEDED, changed
from .test_remedies import POLICIES, ROWS, check, facts_in

pytestmark = pytest.mark.slow


@cache
def starts() -> list[dict[str, Any]]:
    return [*BLOCKED, *(facts_in(row) for row in ROWS.values())]


@SEEDED
@given(
    st.deferred(lambda: st.sampled_from(starts())),
    st.lists(st.tuples(PATHS, ODD, st.booleans()), min_size=1, max_size=3),
)
def test_any_facts(facts: dict[str, Any], changes: list[tuple[str, Any, bool]]) -> None:
    for path, value, delete in changes:
        facts = changed(facts, path, value, delete)
    for policy in POLICIES.values():
        check(policy, facts)
