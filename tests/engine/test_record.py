"""The NamedTuple of modules that every start imports does what typing's does."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest
from mlxk_rules.rules import record

BODY = """
class Pair(NamedTuple):
    'A pair.'

    one: int
    other: str = "x"
    more: tuple[int, ...] = ()

    @property
    def both(self):
        return f"{self.one}{self.other}"

    def with_one(self, one):
        return self._replace(one=one)
"""


def pair(base: object) -> Any:
    names: dict[str, Any] = {"NamedTuple": base, "__name__": __name__}
    exec(BODY, names)
    return names["Pair"]


Ours, Theirs = pair(record.NamedTuple), pair(typing.NamedTuple)


class Alone(record.NamedTuple):
    one: int


USES: dict[str, Callable[[Any], object]] = {
    "by place": lambda made: made(1, "a"),
    "all": lambda made: made(1, "a", (2,)),
    "by name": lambda made: made(other="a", one=1),
    "both ways": lambda made: made(1, more=(3,)),
    "none": lambda made: made(),
    "too many": lambda made: made(1, "a", (), 4),
    "twice": lambda made: made(1, one=1),
    "unknown": lambda made: made(1, nothing=1),
    "only by name, one missing": lambda made: made(other="a"),
    "a field": lambda made: made(1, "a").other,
    "no such field": lambda made: made(1).nothing,
    "set": lambda made: setattr(made(1), "one", 2),
    "set another": lambda made: setattr(made(1), "another", 2),
    "property": lambda made: made(1, "a").both,
    "replace": lambda made: made(1).with_one(2),
    "as a dict": lambda made: made(1)._asdict(),
    "fields": lambda made: (made._fields, made._field_defaults, made.__match_args__, made.__doc__),
    "made": lambda made: made._make([1, "a", ()]),
    "made of too few": lambda made: made._make([1]),
    "equal": lambda made: made(1) == (1, "x", ()) and made(1) != made(2) and hash(made(1)) == hash((1, "x", ())),
    "in order": lambda made: sorted([made(2), made(1)]),
    "unpacked": lambda made: [*made(1)],
    "a slice": lambda made: made(1)[:2],
    "copied": lambda made: copy.deepcopy(made(1)),
    "said": lambda made: repr(made(1)).replace(made.__name__, ""),
    "no room for more": lambda made: hasattr(made(1), "__dict__"),
}


def told(use: Callable[[Any], object], made: Any) -> object:
    try:
        return use(made)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_it_does_what_typings_does(use: Callable[[Any], object]) -> None:
    assert told(use, Ours) == told(use, Theirs)


def test_of_one_field() -> None:
    assert pickle.loads(pickle.dumps(Alone(1))) == Alone(1)
    assert Alone(1) == (1,) and Alone(one=1).one == 1 and issubclass(Alone, tuple)


def test_matching() -> None:
    match Ours(1, "a"):
        case Ours(one, other):
            assert (one, other) == (1, "a")
