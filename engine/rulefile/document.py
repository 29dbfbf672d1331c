"""A policy document: what one rule file says, part by part, each part knowing where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..language.expression import Expression
from ..language.type_findings import Finding
from ..problems import Problem
from .source import Source
from .yaml_tree import Node, offset_in

DECISIONS = ("allow", "warn", "block")
WANTED = {"allow": ("backend",), "warn": ("backend", "message"), "block": ("error", "message")}  # beside a decision
UNWANTED = {"allow": ("error", "http", "message"), "warn": ("http",), "block": ("backend",)}
ABOUT = ("description", "link", "owner", "remedy")  # of a gate: words for people
LEVELS = ("error", "warning", "note")
BACKENDS = ("mlx_lm", "mlx_vlm", "mlx_audio")


class Place(NamedTuple):
    """Where something stands: a source, and character offsets in it."""

    source: Source
    start: int
    end: int

    def problem(self, code: str, message: str, help: str = "") -> Problem:
        return self.source.problem(code, message, help, self.start, max(1, self.end - self.start))

    @property
    def line(self) -> int:
        return self.source.line_of(self.start)

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Located:
    """An expression and the YAML scalar that it, or the message around it, was written in."""

    expression: Expression
    source: Source
    node: Node
    shift: int = 0  # where in the scalar's text the expression begins

    def problem(self, finding: Finding) -> Problem:
        """Return a finding's problem at its place in the file."""
        return self.at(finding.problem, finding.node["start"], finding.node["end"] - finding.node["start"])

    def at(self, problem: Problem, offset: int, width: int) -> Problem:
        index = offset_in(self.source, self.node, self.shift + offset)
        return self.source.problem(problem.code, problem.message, problem.help, index, width)


@dataclass(frozen=True, slots=True)
class Template:
    """A message: literal text and expressions in turn."""

    parts: tuple[str | Located, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a derivation: `when` (None: otherwise) and a literal value or an expression that computes it."""

    when: Located | None
    value: Any
    compute: Located | None
    why: str
    place: Place
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Derivation:
    """A derived fact: its branches in order, the first that matches gives the value."""

    name: str
    branches: tuple[Branch, ...]
    place: Place

    @property
    def expressions(self) -> tuple[Located, ...]:
        """The conditions and computed values of its branches, in order."""
        return tuple(one for branch in self.branches for one in (branch.when, branch.compute) if one is not None)


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. `when` is None for the last, which always fires. `near`: (before|after, id) in an overlay."""

    id: str
    when: Located | None
    decide: str
    backend: str
    error: str | None
    http: int | None
    message: Template | None
    place: Place
    near: tuple[str, str] | None = None
    remove: bool = False
    sound: bool = True
    about: tuple[tuple[str, str], ...] = ()  # words for people, by their keys in ABOUT
    until: str | None = None  # the last day on which it decides, as YYYY-MM-DD; `when` asks for it
    observe: bool = False  # tried and shown, and never deciding
    change: tuple[str, ...] = ()  # in an overlay: the keys that are changed of the gate of this id; no others are said


@dataclass(frozen=True, slots=True)
class Observed:
    """A gate that is observed, and how many gates that decide stand before it."""

    gate: Gate
    before: int


@dataclass(frozen=True, slots=True)
class StringSet:
    """A named set. Where `whole` is false, `add` and `remove` change the set of the policy that is extended."""

    name: str
    add: tuple[str, ...]
    place: Place
    remove: tuple[str, ...] = ()
    whole: bool = True
    places: tuple[Place, ...] = ()  # of `add`, one each
    removed: tuple[Place, ...] = ()  # of `remove`, one each

    @property
    def entries(self) -> tuple[tuple[str, Place], ...]:
        """Each entry and where it stands."""
        places = self.places if len(self.places) == len(self.add) else (self.place,) * len(self.add)
        return tuple(zip(self.add, places, strict=True))


@dataclass(frozen=True, slots=True)
class Limit:
    """A named number."""

    name: str
    value: int | float
    place: Place


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit holds the sets against: for each set a fact, and the library versions last checked with."""

    sets: tuple[tuple[str, str, Place], ...]
    checked_with: tuple[tuple[str, str, Place], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy as written in one file, or put together from several.

    doubtful: names (`limits.x`, `derived.y`, or a part) of which the file has something, but nothing sound. Branches
    and gates that are not sound say so. In a policy that loads there is neither.
    """

    name: str
    version: str
    extends: tuple[str, ...]
    sets: tuple[StringSet, ...]
    limits: tuple[Limit, ...]
    derive: tuple[Derivation, ...]
    gates: tuple[Gate, ...]
    place: Place
    extends_place: Place | None = None
    audit: Audit | None = None
    base: Document | None = None  # what this was put together from, if it extends another
    doubtful: frozenset[str] = frozenset()
    observed: tuple[Observed, ...] = ()  # of a document that passed its checks: `gates` holds those that decide
    levels: tuple[tuple[str, str], ...] = ()  # how grave a finding is, by its code

    @property
    def all_gates(self) -> tuple[Gate, ...]:
        """The gates in their order, those too that are only observed."""
        found = list(self.gates)
        for number, one in enumerate(self.observed):
            found.insert(one.before + number, one.gate)
        return tuple(found)

    @property
    def expressions(self) -> tuple[Located, ...]:
        """The conditions and computed values of derived facts, and the conditions of gates; not those in messages."""
        derived = (one for part in self.derive for one in part.expressions)
        return (*derived, *(gate.when for gate in self.gates if gate.when is not None))

    def changed(self, **parts: Any) -> Document:
        """Return a copy with other parts."""
        return replace(self, **parts)
