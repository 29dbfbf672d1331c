"""Case files as values: what a policy is expected to decide, each part knowing where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..rulefile.document import Place

EXPECTATIONS = ("decision", "gate", "backend", "error_type", "http_status", "message", "not_gates", "derived")


@dataclass(frozen=True, slots=True)
class Setting:
    """One fact that is set: its path, part by part, and its value."""

    path: tuple[str, ...]
    value: Any
    place: Place

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Each:
    """What a case is repeated for: a set's name, or entries; those that are `within` and not `without` other sets."""

    of: str | tuple[Any, ...]
    within: tuple[str, ...]
    without: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Folder:
    """A model folder to probe: one that exists, or files to make one of. `name`: the repo id it is asked for by."""

    path: str | None
    files: tuple[tuple[str, Any], ...]
    name: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that is expected, by its key in EXPECTATIONS."""

    key: str
    value: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Case:
    """One case as written, before `each` repeats it."""

    name: str
    each: Each | None
    settings: tuple[Setting, ...]
    derived: tuple[Setting, ...]
    folder: Folder | None
    expect: tuple[Expectation, ...]
    place: Place
    skip: Skip | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a case is not run, and the last day, as YYYY-MM-DD, on which that holds."""

    reason: str
    until: str
    place: Place


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Mutants that no case can notice, by id, and why not."""

    mutants: tuple[str, ...]
    reason: str
    each: Each | None
    place: Place


@dataclass(frozen=True, slots=True)
class Suite:
    """One case file."""

    name: str
    policy: str | None
    defaults: tuple[Setting, ...]
    cases: tuple[Case, ...]
    equivalent: tuple[Equivalent, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Run:
    """One case ready to run: whole facts, and what is expected. `set`: the set whose entries it is repeated for."""

    name: str
    facts: dict[str, Any]
    expect: dict[str, Any]
    place: Place
    set: str = ""
    entry: str = ""
    skip: Skip | None = None
