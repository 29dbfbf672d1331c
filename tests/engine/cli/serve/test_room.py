"""Who goes for whom: rows, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlxk_rules.engine.cli.serve.loaded.room import Resident, Room, room_for, share_of

# Name, bytes, when it was last asked, and b for busy, p for pinned.
ROWS = [
    ("there is room for both", 10, ["a 4 1"], 4, Room("now")),
    ("nothing is loaded", 10, [], 10, Room("now")),
    ("the one that is idle goes", 10, ["a 6 1"], 6, Room("now", ("a",))),
    ("the least recently used goes first", 10, ["a 4 2", "b 4 1"], 6, Room("now", ("b",))),
    ("as many as have to", 10, ["a 4 2", "b 4 1"], 10, Room("now", ("b", "a"))),
    ("a small old one stays where a large one goes anyway", 10, ["a 1 1", "b 9 2"], 9, Room("now", ("b",))),
    ("who answers stays", 10, ["a 4 1 b", "b 4 2"], 6, Room("now", ("b",))),
    ("all answer", 10, ["a 4 1 b", "b 4 2 b"], 6, Room("later")),
    ("what is pinned stays", 10, ["a 4 1 p", "b 4 2"], 6, Room("now", ("b",))),
    ("what is pinned leaves no room", 10, ["a 6 1 p"], 6, Room("never")),
    ("what is pinned leaves none, whoever else answers", 10, ["a 6 1 p", "b 2 2 b"], 6, Room("never")),
    ("once they answered there is room beside what is pinned", 10, ["a 2 1 p", "b 6 2 b"], 6, Room("later")),
]


def residents(words: list[str]) -> list[Resident]:
    rows = [word.split() for word in words]
    return [Resident(row[0], int(row[1]), float(row[2]), "b" in row[3:], "p" in row[3:]) for row in rows]


def fits(needed: int, memory: int) -> Callable[[Sequence[Resident]], bool]:
    return lambda stay: sum(one.bytes for one in stay) + needed <= memory


@pytest.mark.parametrize(
    ("memory", "loaded", "needed", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_room(memory: int, loaded: list[str], needed: int, expected: Room) -> None:
    assert room_for(residents(loaded), fits(needed, memory)) == expected


MODEL = st.tuples(st.integers(1, 9), st.integers(0, 50), st.booleans(), st.booleans())


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # where other tests have the cores
@given(st.lists(MODEL, max_size=7), st.integers(1, 20), st.integers(1, 40))
def test_what_holds_for_all(models: list[tuple[int, int, bool, bool]], needed: int, memory: int) -> None:
    if needed > memory:
        return
    loaded = [Resident(str(at), size, used, busy, pinned) for at, (size, used, busy, pinned) in enumerate(models)]
    room = room_for(loaded, fits(needed, memory))
    gone = [one for one in loaded if one.name in room.leave]
    stays = sum(one.bytes for one in loaded) - sum(one.bytes for one in gone)
    assert not any(one.busy or one.pinned for one in gone)
    if room.fits == "now":
        assert stays + needed <= memory
        assert all(stays + one.bytes + needed > memory for one in gone), "none goes that need not"
    else:
        assert not gone
        fixed = sum(one.bytes for one in loaded if one.pinned or (one.busy and room.fits == "later"))
        assert fixed + needed > memory


SHARES = [
    ("all that is asked for", 100, 10, 4, 90, (4, 80, 170)),
    ("what fits", 100, 10, 4, 30, (2, 40, 130)),
    ("one answer, and one kept", 100, 10, 4, 10, (1, 20, 110)),
    ("one answer alone", 100, 10, 4, 5, (1, 10, 100)),
    ("a cache that is not known", 100, 0, 4, 90, (1, 0, 100)),
]


@pytest.mark.parametrize("row", SHARES, ids=[row[0] for row in SHARES])
def test_share(row: tuple[str, int, int, int, int, tuple[int, int, int]]) -> None:
    _, needed, cache, most, free, expected = row
    assert share_of(needed, cache, most, lambda more: more <= free) == expected
