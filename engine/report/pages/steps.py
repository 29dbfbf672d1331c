"""The gates as a way: one step a gate, where it ends, and how far a request came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...decision import GateResult, Trace
from ...facts.wording import BACKENDS
from ...rulefile.document import Document, Gate


class State(StrEnum):
    """What a request did at a gate. OPEN: no request was asked about."""

    OPEN = "open"
    PASSED = "passed"
    FIRED = "fired"
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True)
class Step:
    """One gate. decide: what it decides, for this request where it fired and could not be evaluated; ends: in words."""

    number: int
    gate: Gate
    state: State
    decide: str
    ends: str
    result: GateResult | None = None

    @property
    def when(self) -> str:
        """The gate's condition in one line, or `otherwise`."""
        return " ".join(self.gate.when.expression.text.split()) if self.gate.when is not None else "otherwise"


def steps(document: Document, trace: Trace | None) -> tuple[Step, ...]:
    """Return the gates of a policy in order, as far as the trace of one of its decisions goes with what it found."""
    results = {result.id: result for result in trace.gates} if trace is not None else {}
    found: list[Step] = []
    for number, gate in enumerate(document.gates, 1):
        result = results.get(gate.id)
        if trace is None:
            state = State.OPEN
        elif result is None:
            state = State.BEYOND
        else:
            state = State.FIRED if result.fired else State.PASSED
        decide, ends = gate.decide, _ends(gate)
        if result is not None and result.fired and trace is not None and trace.decision.decision != gate.decide:
            decide, ends = trace.decision.decision, f"{trace.decision.error_type} {trace.decision.http_status}"
        found.append(Step(number, gate, state, decide, ends, result))
    return tuple(found)


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters, the last a sign where it goes on."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _ends(gate: Gate) -> str:
    return f"{gate.error} {gate.http}" if gate.decide == "block" else BACKENDS[gate.backend]
