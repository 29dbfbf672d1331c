"""The vocabulary of facts: their types, defaults and meaning, from rules/facts.yaml."""

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, NamedTuple

from ..storage import data_files
from .types import ANYTHING, ARRAY, BOOLEAN, NUMBER, OBJECT, STRING, STRINGS, Type, kind_of, list_of

_TYPES = {
    "string": STRING,
    "integer": NUMBER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "object": OBJECT,
    "any": ANYTHING,
    "list": ARRAY,
    "list of string": STRINGS,
    "list of integer": list_of(NUMBER),
}
STATUSES = frozenset({"ok", "empty", "missing", "unreadable", "invalid", "not_an_object"})
ABSENT: Any = object()


class Fact(NamedTuple):
    """One fact as the vocabulary describes it. `default` is ABSENT where a fact that is left out is an error."""

    name: str
    type: Type
    unit: str
    default: Any
    source: str
    means: str

    def fault(self, value: Any) -> str:
        """Return what is wrong with `value` for this fact, or ""."""
        kind = kind_of(value)
        if kind not in self.type.kinds:
            return f"is {_shown(value)}, {self.type} is wanted"
        if self.type.values is not None and kind == "string" and value not in self.type.values:
            return f"is {_shown(value)}, one of {', '.join(sorted(self.type.values))} is wanted"
        if kind == "number" and isinstance(value, float) and not _finite(value):
            return "is not a finite number"
        if self.unit == "bytes" and kind == "number" and (value < 0 or value % 1):
            return f"is {_shown(value)}, a whole number of bytes is wanted"
        if isinstance(value, list) and self.type.item is not None and len(value) <= 8:
            wrong = [element for element in value if kind_of(element) not in self.type.item.kinds]
            if wrong:
                return f"holds {_shown(wrong[0])}, {self.type} is wanted"
        return ""


# A fact, the dotted name of the object above it, its own name there, and Python's types of which any value does.
_Step = tuple[Fact, str, str, frozenset[type]]


class Vocabulary:
    """Every fact by its dotted name, in the file's order."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self.facts = facts
        self._steps: list[_Step] = []

    @cached_property
    def tree(self) -> Type:
        """All facts as one object type, nested by the dots of their names."""
        nested: dict[str, Any] = {}
        for name, fact in self.facts.items():
            *parents, last = name.split(".")
            place = nested
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = fact.type
        return _object(nested)

    def complete(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the facts with defaults where they are left out, and the faults by fact name.

        given: nested facts, unchanged by this; the result shares what it did not have to change. A fault is a fact of
        the wrong type, or one left out that has no default: a rule that reads it must not decide.
        """
        if not self._steps:
            self._steps = list(map(_step, self.facts.values()))
        facts = dict(given)
        faults: dict[str, str] = {}
        places: dict[str, dict[str, Any]] = {"": facts}
        for fact, above, name, plain in self._steps:
            place = places.get(above)
            if place is None:
                place = _opened(fact.name, above, places, faults)
            value = place.get(name, ABSENT)
            if value is ABSENT:
                if fact.default is ABSENT:
                    faults.setdefault(fact.name, "is missing")
                    place[name] = None
                else:
                    place[name] = fact.default
            elif type(value) not in plain and value is not fact.default and (fault := fact.fault(value)):
                faults[fact.name] = fault
        return facts, faults


def _step(fact: Fact) -> _Step:
    kinds = fact.type.kinds
    plain = {type(None)} if "null" in kinds else set[type]()
    plain |= {bool} if "boolean" in kinds else set()
    plain |= {dict} if "object" in kinds else set()
    plain |= {str} if "string" in kinds and fact.type.values is None else set()
    plain |= {int} if "number" in kinds and fact.unit != "bytes" else set()
    above, _, name = fact.name.rpartition(".")
    return fact, above, name, frozenset(plain)


def _opened(name: str, above: str, places: dict[str, dict[str, Any]], faults: dict[str, str]) -> dict[str, Any]:
    """Return a copy of the object that the fact `name` is in, put into copies of those above; faults are the fact's."""
    place, prefix = places[""], ""
    for parent in above.split("."):
        prefix = f"{prefix}.{parent}" if prefix else parent
        if prefix not in places:
            inner = place.get(parent, ABSENT)
            if inner is not ABSENT and not isinstance(inner, dict):
                faults[name] = f"cannot be read: `{prefix}` is {_shown(inner)}, an object is wanted"
            place[parent] = places[prefix] = dict(inner) if isinstance(inner, dict) else {}
        place = places[prefix]
    return place


@cache
def vocabulary() -> Vocabulary:
    """Return the shipped vocabulary."""
    data = data_files.vocabulary()
    facts: dict[str, Fact] = {}
    for document in data["documents"]:
        name, file, means = document["name"], document["file"], document["means"]
        facts[name] = Fact(name, OBJECT.or_null(), "", None, file, means)
        status = Type(STRING.kinds, values=STATUSES)
        left_out = ABSENT if name == "config" else "missing"
        facts[f"{name}_status"] = Fact(f"{name}_status", status, "", left_out, file, f"whether {file} could be read")
    for entry in data["facts"]:
        kind = _TYPES[entry["type"]]
        if "values" in entry:
            kind = Type(kind.kinds, values=frozenset(entry["values"]))
        nullable = entry.get("nullable", False)
        default = entry.get("default", None if nullable else ABSENT)
        facts[entry["name"]] = Fact(
            entry["name"],
            kind.or_null() if nullable else kind,
            entry.get("unit", ""),
            default,
            entry["from"],
            entry["means"],
        )
    return Vocabulary(facts)


def _object(nested: Mapping[str, Any]) -> Type:
    fields = {name: inner if isinstance(inner, Type) else _object(inner) for name, inner in nested.items()}
    return Type(frozenset({"object"}), fields=fields)


def _finite(value: float) -> bool:
    return value - value == 0.0


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of 5,000 digits, a list in a list in a list
        text = "a value too long to show"
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"
