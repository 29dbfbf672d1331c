"""What a policy answers: a decision, and the trace of how it came about."""

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from typing import TypedDict

    class PolicyName(TypedDict):
        """Which policy decided."""

        name: str
        version: str
else:
    PolicyName = dict


class Fields:
    """A decision's fields. Generated code fills one and makes it a `Decision`: that takes a quarter of the time."""

    __slots__ = ("backend", "decision", "error_type", "gate", "http_status", "message", "policy")

    decision: str
    backend: str
    gate: str | None
    error_type: str | None
    http_status: int | None
    message: str | None
    policy: PolicyName


class Decision(Fields):
    """The answer to one request. It cannot be changed.

    decision: allow, warn or block. backend: mlx_lm, mlx_vlm, mlx_audio, or unsupported where it blocks. gate: the id of
    the gate that decided, null where the facts themselves were refused. error_type, http_status: set where it blocks.
    message: a sentence for people, set where it warns or blocks.
    """

    __slots__ = ()
    __match_args__ = ("decision", "backend", "gate", "error_type", "http_status", "message", "policy")

    def __init__(
        self,
        decision: str,
        backend: str,
        gate: str | None,
        error_type: str | None,
        http_status: int | None,
        message: str | None,
        policy: PolicyName,
    ) -> None:
        fill = object.__setattr__
        fill(self, "decision", decision)
        fill(self, "backend", backend)
        fill(self, "gate", gate)
        fill(self, "error_type", error_type)
        fill(self, "http_status", http_status)
        fill(self, "message", message)
        fill(self, "policy", policy)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a decision's `{name}` cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a decision's `{name}` cannot be changed")

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Decision) else NotImplemented

    def __hash__(self) -> int:
        raise TypeError("a decision holds a dict, and has no hash")

    def __repr__(self) -> str:
        return f"Decision({', '.join(f'{name}={value!r}' for name, value in self.to_dict().items())})"

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


class Term(NamedTuple):
    """One part of a condition that made it hold or not: its text, its value, and the facts it read with theirs.

    why: for a derived fact, which of its branches gave the value, and the terms of that branch.
    """

    text: str
    value: Any
    facts: dict[str, Any]
    why: str = ""
    because: "tuple[Term, ...]" = ()

    def to_dict(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"text": self.text, "value": self.value, "facts": self.facts}
        if self.why:
            plain["why"] = self.why
        if self.because:
            plain["because"] = [term.to_dict() for term in self.because]
        return plain


class GateResult(NamedTuple):
    """One gate that was tried. `error` says why it could not be evaluated; it then blocks.

    about: the author's words for people: description, link, owner, remedy, until. decide, message: what it decides, and
    says where it fired.
    """

    id: str
    fired: bool
    file: str
    line: int
    terms: tuple[Term, ...]
    error: str | None = None
    about: dict[str, str] | None = None
    decide: str = ""
    message: str | None = None

    def to_dict(self) -> dict[str, Any]:
        about = {"about": dict(self.about)} if self.about else {}
        return {
            "id": self.id,
            "fired": self.fired,
            "file": self.file,
            "line": self.line,
            "terms": [term.to_dict() for term in self.terms],
            "error": self.error,
            **about,
        }


class Trace(NamedTuple):
    """A decision with the facts, the derived facts and every gate tried, in order; the last one decided.

    warnings: where it warns, its decision and those of the gates behind it that would warn of the same backend too.
    observed: gates that are only observed, as far as they were reached. behind: the gates after the one that decided,
    where someone asked for them.
    """

    decision: Decision
    facts: dict[str, Any]
    derived: dict[str, Any]
    gates: tuple[GateResult, ...]
    warnings: tuple[Decision, ...] = ()
    observed: tuple[GateResult, ...] = ()
    behind: tuple[GateResult, ...] = ()

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
            "warnings": [
                {"gate": one.gate, "error_type": one.error_type, "message": one.message} for one in self.warnings
            ],
            **({"observed": list(map(_would, self.observed))} if self.observed else {}),
            **({"behind": list(map(_would, self.behind))} if self.behind else {}),
        }


def _would(gate: GateResult) -> dict[str, Any]:
    """Return a gate that did not decide as plain JSON data, with what it would decide."""
    return {**gate.to_dict(), "decide": gate.decide, "message": gate.message}
