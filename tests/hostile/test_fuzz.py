"""A short part of the fuzzer, from another seed each time: it finds nothing, and would find something."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from . import fuzz


@pytest.mark.slow
def test_nothing_is_found() -> None:
    seed = random.SystemRandom().randrange(1 << 40)
    tried, finds = fuzz.look(20, seed)
    assert tried > 20
    assert finds == []


def test_what_raises_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(rng: random.Random, place: Path) -> None:
        raise KeyError("")

    monkeypatch.setattr(fuzz, "KINDS", (fails,))
    assert "KeyError" in (fuzz.attempt(1) or "")
