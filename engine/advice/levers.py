"""What a person can change, as rules/levers.yaml tells it: each lever gives facts that move together other values."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..compiler.program_functions import run
from ..facts.wording import json_text
from ..storage import data_files
from ..storage.kept_values import put, take

Values = dict[str, Any]  # facts by their dotted names
_LONGEST = 300  # characters of a text, which may name files of a folder


class Lever(NamedTuple):
    """One thing to change, as rules/levers.yaml describes it.

    sets: the facts that move together, and what gives their values. search: the fact whose least (step 1) or greatest
    (step -1) value is looked for, as far as `bound`, a number or the fact that holds it.
    """

    id: str
    kind: str
    text: str
    when: str | None
    let: Mapping[str, str]
    sets: Mapping[str, str]
    tries: tuple[Any, ...]
    search: str | None
    step: int
    bound: int | str
    asked: bool
    unless: str | None
    parts: tuple[str, ...]  # of the text: as they are, and expressions, by turns

    @property
    def facts(self) -> frozenset[str]:
        """The facts that it changes."""
        return frozenset(self.sets) | ({self.search} if self.search else frozenset())

    def changed(self, scope: Mapping[str, Any], to: Any = None) -> Values | None:
        """Return the facts with the values they would have, where those are others; None where it does not apply.

        scope: the facts, and the names that levers.yaml tells of. to: the value that is tried or looked for.
        """
        inner = self._scope(scope, to)
        try:
            if self.when is not None and _value(self.when, inner) is not True:
                return None
            values = {name: _value(text, inner) for name, text in self.sets.items()}
        except Exception:  # what a folder holds fits no expression: then there is nothing to offer
            return None
        if self.search is not None:
            values[self.search] = to
        different = {name: value for name, value in values.items() if not same(value, value_at(scope, name))}
        return different or None

    def said(self, scope: Mapping[str, Any], to: Any = None) -> str:
        """Return its text with the values in it."""
        inner = self._scope(scope, to)

        said = (_said(part, inner) if place % 2 else part for place, part in enumerate(self.parts))
        text = " ".join("".join(said).split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

    def _scope(self, scope: Mapping[str, Any], to: Any) -> dict[str, Any]:
        inner = {**scope, "to": to}
        for name, text in self.let.items():
            try:
                inner[name] = _value(text, inner)
            except Exception:
                inner[name] = None
        return inner


class Levers(NamedTuple):
    """Every lever in the file's order, and the kinds in the order in which remedies are listed."""

    kinds: Mapping[str, str]
    levers: tuple[Lever, ...]

    def rank(self, lever: Lever) -> tuple[int, int]:
        """Return where a lever comes in that order."""
        return list(self.kinds).index(lever.kind), self.levers.index(lever)


@cache
def levers() -> Levers:
    """Return the shipped levers."""
    kinds, entries = _work()[:2]
    return Levers(kinds, tuple(map(_lever, entries)))


@cache
def _work() -> tuple[dict[str, str], list[dict[str, Any]], dict[str, Callable[[Any], Any]]]:
    """Return kinds and levers as the file has them, and the functions of expressions by their text."""
    place = f"{data_files.PLACE}/levers.yaml"
    kept = take(place)
    if kept is None:
        from .lever_reader import read_levers

        with open(place, "rb") as file:
            content = file.read()
        found = read_levers()
        put(place, [(place, content)], found)
    else:
        found = kept[1]
    kinds, levers, texts, digests, constants, guards = found

    def write() -> Mapping[int, str]:
        from .lever_reader import written

        return written(texts)

    return kinds, levers, dict(zip(texts, run(digests, constants, guards, write), strict=True))


def _value(text: str, scope: Mapping[str, Any]) -> Any:
    return _work()[2][text](scope)


def _said(text: str, scope: Mapping[str, Any]) -> str:
    try:
        value = _value(text, scope)
    except Exception:
        value = None
    if value is None or isinstance(value, str):
        return "unknown" if value is None else value
    return json_text(value)


def _lever(entry: Mapping[str, Any]) -> Lever:
    return Lever(
        id=entry["id"],
        kind=entry["kind"],
        text=entry["text"],
        when=entry.get("when"),
        let=entry.get("let", {}),
        sets=entry.get("set", {}),
        tries=tuple(entry.get("tries", (None,))),
        search=entry.get("least", entry.get("most")),
        step=-1 if "most" in entry else 1,
        bound=entry.get("bound", 0),
        asked=entry.get("asked", False),
        unless=entry.get("unless"),
        parts=tuple(entry["parts"]),
    )


def value_at(facts: Mapping[str, Any], name: str) -> Any:
    """Return the value of a fact by its dotted name, None where it is not there."""
    value: Any = facts
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def with_values(facts: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `facts` with other values, by dotted names; what is not changed is shared."""
    result = dict(facts)
    for name, value in values.items():
        *parents, last = name.split(".")
        place = result
        for parent in parents:
            inner = place.get(parent)
            place[parent] = place = dict(inner) if isinstance(inner, dict) else {}
        place[last] = value
    return result


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON: true is not 1."""
    return type(one) is type(other) and one == other
