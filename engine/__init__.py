"""Rules to decision: facts in, decision and trace out. No file of a model is read here, and no MLX imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .decision import Decision, GateResult, Term, Trace
    from .policy import Policy
    from .problems import PolicyError, Problem

__all__ = ["Decision", "GateResult", "Policy", "PolicyError", "Problem", "Term", "Trace"]

_HOME = {
    "Decision": "decision",
    "GateResult": "decision",
    "Policy": "policy",
    "PolicyError": "problems",
    "Problem": "problems",
    "Term": "decision",
    "Trace": "decision",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module  # a command that decides nothing need not pay for what decides: 20 ms

        found = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
