"""What comes out of a policy: decisions, messages, and the derived facts that `explain` shows; what these read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..language.fact_paths import paths_in
from ..rulefile.document import Document, Gate, Located

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


def read_by(document: Document, section: str, conditions: bool = True) -> set[str]:
    """Return the names of a section (derived, sets, limits) that gates, messages or shown derived facts read.

    conditions: whether those of gates count.
    """
    derived = {part.name for part in document.derive}
    shown = {name for name in SHOWN if name in derived}
    whens = [gate.when for gate in document.gates] if conditions else []
    found = _read(document, section, [*_messages(document), *whens], shown)
    return found | (shown if section == "derived" else set())


def told_by(document: Document, section: str) -> set[str]:
    """Return the names of a section that messages read, themselves or through a derived fact."""
    return _read(document, section, _messages(document))


def words_of(gate: Gate) -> tuple[Any, ...]:
    """Return all that a person learns of a gate's decision: what it decides, and what it says."""
    parts = gate.message.parts if gate.message is not None else ()
    said = tuple(part if isinstance(part, str) else part.expression.text for part in parts)
    return gate.decide, gate.backend, gate.error, gate.http, said


def _messages(document: Document) -> list[Located]:
    return [part for gate in document.gates if gate.message for part in gate.message.parts if isinstance(part, Located)]


def _read(
    document: Document, section: str, expressions: Iterable[Located | None], derived: Iterable[str] = ()
) -> set[str]:
    derivations = {part.name: part for part in document.derive}
    expressions = list(expressions)
    found, names, done = names_in(expressions, section), names_in(expressions, "derived") | set(derived), set[str]()
    while names - done:
        name = (names - done).pop()
        done.add(name)
        if name in derivations:
            inner = derivations[name].expressions
            names |= names_in(inner, "derived")
            found |= names_in(inner, section)
    return found


def decided_by(document: Document) -> set[str]:
    """Return the derived facts that gates read, and those that they are made of."""
    return _read(document, "derived", [gate.when for gate in document.gates])


def names_in(expressions: Iterable[Located | None], section: str) -> set[str]:
    """Return the names of a section that expressions read."""
    paths = {path for located in expressions if located for path in paths_in(located.expression.node)}
    return {path.split(".")[1] for path in paths if path.startswith(f"{section}.")}
