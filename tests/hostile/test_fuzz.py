"""A short part of the fuzzer, from another seed each time: it finds nothing, and would find something."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from . import fuzz


@pytest.mark.slow
@pytest.mark.long
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


def test_a_seed_makes_the_same_whatever_was_made_before() -> None:
    first = fuzz.value(random.Random(1), 5)
    for seed in range(200):
        made = fuzz.value(random.Random(seed), 5)
        if isinstance(made, dict):
            made["more"] = made
        elif isinstance(made, list):
            made.append(made)
    assert fuzz.value(random.Random(1), 5) == first
