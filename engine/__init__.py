"""Rules to decision: facts in, decision and trace out. No file of a model is read here, and no MLX imported."""

from .decision import Decision, GateResult, Term, Trace
from .errors import PolicyError, Problem
from .policy import Policy

__all__ = ["Decision", "GateResult", "Policy", "PolicyError", "Problem", "Term", "Trace"]
