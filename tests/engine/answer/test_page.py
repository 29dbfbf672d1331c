"""engine/README.md is what the code makes it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from . import page


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is asked")
def test_the_page_is_as_the_code_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(page.ROOT)
    assert page.FILE.read_text("utf-8") == page.text(), "run: python -m tests.engine.answer.page"
