"""What conditions are made of, as far as explaining them goes: plain tuples, which are kept on disk as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .program import Node, Program

    # "and", "or", "not", or "" where it has no parts; its text; its function; the facts that it names; its parts.
    Condition = tuple[str, str, int, tuple[str, ...], tuple["Condition", ...]]

_KINDS = {"and_expression": "and", "or_expression": "or", "not_expression": "not"}


def conditions_of(program: Program) -> tuple[Condition, ...]:
    """Return the conditions of a program's expressions, in their order."""
    from ..language.fact_paths import paths_in

    def condition(text: str, node: Node) -> Condition:
        kind = _KINDS.get(node["type"], "")
        paths: Iterable[str] = (path for path in paths_in(node) if not path.startswith("sets."))
        parts = tuple(condition(text, child) for child in node["children"]) if kind else ()
        return kind, text[node["start"] : node["end"]], node["run"], tuple(sorted(paths)), parts

    return tuple(condition(part.text, program.nodes[place]) for place, part in enumerate(program.expressions))
