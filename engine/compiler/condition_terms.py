"""What conditions are made of, as far as explaining them goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..language.fact_paths import paths_in

if TYPE_CHECKING:
    from .program import Node, Program

    # "and", "or", "not", or "" where it has no parts; its text; its function; the facts that it names; its parts.
    Condition = tuple[str, str, int, tuple[str, ...], tuple["Condition", ...]]

_KINDS = {"and_expression": "and", "or_expression": "or", "not_expression": "not"}


def condition_of(program: Program, expression: int) -> Condition:
    """Return what an expression of a program is made of, by its place in `Program.expressions`."""
    return _condition(program.expressions[expression].text, program.nodes[expression])


def _condition(text: str, node: Node) -> Condition:
    kind = _KINDS.get(node["type"], "")
    paths = (path for path in paths_in(node) if not path.startswith("sets."))
    parts = tuple(_condition(text, child) for child in node["children"]) if kind else ()
    return kind, text[node["start"] : node["end"]], node["run"], tuple(sorted(paths)), parts
