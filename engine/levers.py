"""What a person can change, as rules/levers.yaml tells it: each lever gives facts that move together other values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .. import rules
from .expression import Expression, parse
from .interpreter import interpret

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
_LONGEST = 300  # characters of a text, which may name files of a folder

Values = dict[str, Any]  # facts by their dotted names


@dataclass(frozen=True, slots=True)
class Lever:
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
            if self.when is not None and interpret(_parsed(self.when).node, inner) is not True:
                return None
            values = {name: interpret(_parsed(text).node, inner) for name, text in self.sets.items()}
        except Exception:  # what a folder holds fits no expression: then there is nothing to offer
            return None
        if self.search is not None:
            values[self.search] = to
        different = {name: value for name, value in values.items() if not same(value, value_at(scope, name))}
        return different or None

    def said(self, scope: Mapping[str, Any], to: Any = None) -> str:
        """Return its text with the values in it."""
        inner = self._scope(scope, to)

        def value_of(found: re.Match[str]) -> str:
            try:
                value = interpret(_parsed(found[1].strip()).node, inner)
            except Exception:
                value = None
            if value is None:
                return "unknown"
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

        text = " ".join(_PLACEHOLDER.sub(value_of, self.text).split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

    def _scope(self, scope: Mapping[str, Any], to: Any) -> dict[str, Any]:
        inner = {**scope, "to": to}
        for name, text in self.let.items():
            try:
                inner[name] = interpret(_parsed(text).node, inner)
            except Exception:
                inner[name] = None
        return inner


@dataclass(frozen=True, slots=True)
class Levers:
    """Every lever in the file's order, and the kinds in the order in which remedies are listed."""

    kinds: Mapping[str, str]
    levers: tuple[Lever, ...]

    def rank(self, lever: Lever) -> tuple[int, int]:
        """Return where a lever comes in that order."""
        return list(self.kinds).index(lever.kind), self.levers.index(lever)


@cache
def levers() -> Levers:
    """Return the shipped levers."""
    data = rules.levers()
    return Levers(data["kinds"], tuple(_lever(entry) for entry in data["levers"]))


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
    )


@cache
def _parsed(text: str) -> Expression:
    return parse(text)


def value_at(facts: Mapping[str, Any], name: str) -> Any:
    """Return the value of a fact by its dotted name, None where it is not there."""
    value: Any = facts
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def with_values(facts: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `facts` with other values, by dotted names; what is not changed is shared."""
    result = dict(facts)
    for name, value in values.items():
        *parents, last = name.split(".")
        place = result
        for parent in parents:
            inner = place.get(parent)
            place[parent] = place = dict(inner) if isinstance(inner, Mapping) else {}
        place[last] = value
    return result


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON: true is not 1."""
    return type(one) is type(other) and one == other
