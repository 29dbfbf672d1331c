"""The soak, short: `python -m tests.soak` is the same for minutes."""

from __future__ import annotations

import pytest

from .__main__ import soak


@pytest.mark.slow
@pytest.mark.long
def test_nothing_is_lost_or_wrong() -> None:
    found = soak(15, 20, 500)
    assert found["wrong"] == {}
    assert found["seen"]["answered"] > 20 and found["seen"]["left"] > 20
    assert found["seen"]["idle connections"] == 500
    assert found["policy"]["reloads"] > 0 and found["policy"]["reload_failures"] > 0
    assert found["log_lines_lost"] > 0
    assert found["children_left_by_a_killed_server"] == 0
