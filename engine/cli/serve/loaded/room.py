"""Who has to go for a model to be loaded: a pure function of what is loaded, and of what the policy says would fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Resident(NamedTuple):
    """A loaded model. bytes: what it may take. used: when it was last asked, in seconds of any clock.

    busy: it answers, or loads. pinned: it stays, whatever comes.
    ids: of all models in it; none where that is its name.
    """

    name: str
    bytes: int
    used: float
    busy: bool = False
    pinned: bool = False
    ids: tuple[str, ...] = ()


class Room(NamedTuple):
    """fits: now, once `leave` have gone; later, once others have answered; never, while what is pinned stays."""

    fits: str
    leave: tuple[str, ...] = ()


def room_for(residents: Sequence[Resident], fits: Callable[[Sequence[Resident]], bool]) -> Room:
    """Return who has to go so that a model may be loaded beside the rest.

    fits: whether the policy decides for the model as it does alone, where these stay loaded. Of the idle ones the least
    recently used go first, and none that need not.
    """
    stay = list(residents)
    idle = sorted((one for one in residents if not (one.busy or one.pinned)), key=lambda one: one.used)
    leave: list[Resident] = []
    while not fits(stay):
        if not idle:
            return Room("later" if fits([one for one in residents if one.pinned]) else "never")
        leave.append(idle.pop(0))
        stay.remove(leave[-1])
    for one in reversed(leave[:-1]):  # a small one that went before a large one may not have had to
        if fits([*stay, one]):
            leave.remove(one)
            stay.append(one)
    return Room("now", tuple(one.name for one in leave))


class Share(NamedTuple):
    """What a model's server may use: answers at once, bytes of prompts' caches in all, bytes of everything."""

    parallel: int
    cache_bytes: int
    bytes: int


def share_of(needed: int, cache: int, most: int, fits: Callable[[int], bool]) -> Share:
    """Return the largest share that still fits beside the others.

    needed: bytes for one answer. cache: bytes of its prompt's cache, 0 where that is not known. most: answers at once,
    at most. fits: whether so many bytes beyond `needed` fit.
    """
    for parallel in range(most if cache else 1, 0, -1):
        # Beside the caches in use as many are kept, so that a chat's next turn need not read it all again.
        more = (2 * parallel - 1) * cache
        if fits(more):
            return Share(parallel, 2 * parallel * cache, needed + more)
    return Share(1, cache, needed)
