"""A policy's sets against what the installed libraries say they can load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..facts.wording import LIBRARIES
from ..rulefile.document import Document, Place


@dataclass(frozen=True, slots=True)
class SetFinding:
    """A set that differs from its library: what it lacks, and what it has that the library does not know."""

    name: str
    library: str
    lacking: tuple[str, ...]
    unknown: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class VersionFinding:
    """A library of another version than the file was last checked with."""

    library: str
    checked_with: str
    installed: str
    place: Place


@dataclass(frozen=True, slots=True)
class Report:
    """Every difference; `absent` are libraries that are not installed, so that their sets could not be held to them."""

    sets: tuple[SetFinding, ...]
    versions: tuple[VersionFinding, ...]
    absent: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not self.sets and not self.versions


def audit(document: Document, runtime: Mapping[str, Any]) -> Report:
    """Hold a policy's sets against `runtime`, the facts of that name. Without an `audit` part nothing is held."""
    if document.audit is None:
        return Report((), (), ())
    members = {part.name: part for part in document.sets}
    found: list[SetFinding] = []
    for name, fact, _ in document.audit.sets:
        _, package, kind = fact.split(".")
        if not runtime[package]["installed"]:
            continue
        mine, theirs = set(members[name].add), set(runtime[package][kind])
        if mine != theirs:
            lacking, unknown = tuple(sorted(theirs - mine)), tuple(sorted(mine - theirs))
            found.append(SetFinding(name, LIBRARIES[package], lacking, unknown, members[name].place))
    installed = {
        LIBRARIES[package]: runtime[package]["version"] for package in LIBRARIES if runtime[package]["installed"]
    }
    versions = tuple(
        VersionFinding(library, version, str(installed[library]), place)
        for library, version, place in document.audit.checked_with
        if library in installed and installed[library] != version
    )
    return Report(tuple(found), versions, tuple(sorted(set(LIBRARIES.values()) - set(installed))))
