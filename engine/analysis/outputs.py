"""What comes out of a policy: decisions, messages, and the derived facts that `explain` shows; what these read."""

from __future__ import annotations

from collections.abc import Iterable

from ..language.fact_paths import paths_in
from ..rulefile.document import Derivation, Document, Located

# The facts that every `explain --json` has: design.md, 5.
SHOWN = (
    "vision",
    "chat",
    "embedding",
    "audio",
    "audio_backend",
    "framework",
    "runtime_compatible",
    "memory_ratio",
    "capabilities",
)


def read_by(document: Document, section: str) -> set[str]:
    """Return the names of a section (derived, sets, limits) that gates, messages or shown derived facts read."""
    derivations = {part.name: part for part in document.derive}
    names = {name for gate in document.gates for name in _names([gate.when], "derived")}
    found = {name for gate in document.gates for name in _names([gate.when], section)}
    messages = [
        part for gate in document.gates if gate.message for part in gate.message.parts if isinstance(part, Located)
    ]
    names |= _names(messages, "derived") | {name for name in SHOWN if name in derivations}
    found |= _names(messages, section)
    done: set[str] = set()
    while names - done:
        name = (names - done).pop()
        done.add(name)
        if name in derivations:
            expressions = expressions_of(derivations[name])
            names |= _names(expressions, "derived")
            found |= _names(expressions, section)
    return done if section == "derived" else found


def decided_by(document: Document) -> set[str]:
    """Return the derived facts that gates read, and those that they are made of."""
    derivations = {part.name: part for part in document.derive}
    names = {name for gate in document.gates for name in _names([gate.when], "derived")}
    done: set[str] = set()
    while names - done:
        name = (names - done).pop()
        done.add(name)
        if name in derivations:
            names |= _names(expressions_of(derivations[name]), "derived")
    return done


def expressions_of(derivation: Derivation) -> list[Located | None]:
    """Return every expression of a derivation."""
    return [part for branch in derivation.branches for part in (branch.when, branch.compute)]


def _names(expressions: Iterable[Located | None], section: str) -> set[str]:
    paths = {path for located in expressions if located for path in paths_in(located.expression.node)}
    return {path.split(".")[1] for path in paths if path.startswith(f"{section}.")}
