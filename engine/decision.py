"""What a policy answers: a decision, and the trace of how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict


class PolicyName(TypedDict):
    """Which policy decided."""

    name: str
    version: str


class Fields:
    """A decision's fields. Generated code fills one and makes it a `Decision`: that takes a quarter of the time."""

    __slots__ = ("backend", "decision", "error_type", "gate", "http_status", "message", "policy")


@dataclass(frozen=True)
class Decision(Fields):
    """The answer to one request.

    decision: allow, warn or block. backend: mlx_lm, mlx_vlm, mlx_audio, or unsupported where it blocks. gate: the id of
    the gate that decided, null where the facts themselves were refused. error_type, http_status: set where it blocks.
    message: a sentence for people, set where it warns or blocks.
    """

    __slots__ = ()

    decision: str
    backend: str
    gate: str | None
    error_type: str | None
    http_status: int | None
    message: str | None
    policy: PolicyName

    def __reduce__(self) -> tuple[Any, ...]:
        return Decision, tuple(self.to_dict().values())

    @property
    def allowed(self) -> bool:
        """True for allow and warn."""
        return self.decision != "block"

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON data, in the order of its fields."""
        return {
            "decision": self.decision,
            "backend": self.backend,
            "gate": self.gate,
            "error_type": self.error_type,
            "http_status": self.http_status,
            "message": self.message,
            "policy": dict(self.policy),
        }


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a condition that made it hold or not: its text, its value, and the facts it read with theirs.

    why: for a derived fact, which of its branches gave the value, and the terms of that branch.
    """

    text: str
    value: Any
    facts: dict[str, Any]
    why: str = ""
    because: tuple[Term, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"text": self.text, "value": self.value, "facts": self.facts}
        if self.why:
            plain["why"] = self.why
        if self.because:
            plain["because"] = [term.to_dict() for term in self.because]
        return plain


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate that was tried. `error` says why it could not be evaluated; it then blocks."""

    id: str
    fired: bool
    file: str
    line: int
    terms: tuple[Term, ...]
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "fired": self.fired,
            "file": self.file,
            "line": self.line,
            "terms": [term.to_dict() for term in self.terms],
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """A decision with the facts, the derived facts and every gate tried, in order; the last one decided."""

    decision: Decision
    facts: dict[str, Any]
    derived: dict[str, Any]
    gates: tuple[GateResult, ...]

    @property
    def capabilities(self) -> list[str]:
        """The policy's derived fact `capabilities`; empty where it has none."""
        found = self.derived.get("capabilities")
        return list(found) if isinstance(found, list) else []

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain JSON data."""
        return {
            "decision": self.decision.to_dict(),
            "capabilities": self.capabilities,
            "derived": self.derived,
            "facts": self.facts,
            "gates": [gate.to_dict() for gate in self.gates],
        }
