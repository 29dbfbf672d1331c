"""A policy's one function: written by policy_writer, run by evaluator.compiled."""

from __future__ import annotations

from types import CodeType
from typing import Any, NamedTuple

from ..program import Guard
from .gate_tables import Lookup

UNKNOWN = object()  # of a derived fact that was not worked out yet
Answer = tuple[str, str, str, str | None, int | None, str | None]


Reply = str | tuple[str, str | tuple[Any, ...]]


class Decider(NamedTuple):
    """The function `decide` as code, and what its names are made of.

    decisions: a decision's fields by its name. tables: `_table0`, `_table1`... answers: for each table, in its gates'
    order, the name of a decision, or of a function and what is the gate's own: a decision's name, or its words.
    """

    code: CodeType
    constants: dict[str, Any]
    guards: dict[str, Guard]
    patterns: dict[str, str]
    decisions: dict[str, Answer]
    tables: list[Lookup]
    answers: list[list[Reply]]
