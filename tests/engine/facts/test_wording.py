"""Values as people are told them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlxk_rules.engine.facts.wording import json_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.slow
@given(VALUES)
def test_json_is_what_json_writes(value: object) -> None:
    assert json_text(value) == json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("value", [{1: 2}, {"a": {None: True}}, (1, "a"), "\x7f", '"', "\\", "é", [[], {}]])
def test_what_is_seldom_seen(value: object) -> None:
    assert json_text(value) == json.dumps(value, ensure_ascii=False)
