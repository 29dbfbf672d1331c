"""Which facts an expression names: dotted paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .expression import Node


def path_of(node: Node) -> str | None:
    """Return the dotted path that a node is (`model.type`), or None where it is something else."""
    kind = node["type"]
    if kind == "field":
        name: str = node["value"]
        return None if "." in name else name  # a quoted "a.b" is one name, and would read as two
    if kind != "subexpression":
        return None
    parts: list[str] = []
    for child in node["children"]:
        part = path_of(child)
        if part is None:
            return None
        parts.append(part)
    return ".".join(parts)


def paths_in(node: dict[str, Any]) -> set[str]:
    """Return the dotted fact paths that an expression reads."""
    path = _leading(node)
    if path is not None:
        return {path}
    return {path for child in at_root(node) for path in paths_in(child)}


def at_root(node: Node) -> list[Node]:
    """Return the children of a node whose names are facts: the others name fields of what a child before them is."""
    if node["type"] == "expref":
        return []
    children = [child for child in node.get("children", ()) if isinstance(child, dict)]
    return children[:1] if node["type"] in _OF_FIRST else children


_OF_ELEMENTS = frozenset(("index_expression", "projection", "filter_projection", "value_projection", "flatten"))
_OF_FIRST = _OF_ELEMENTS | {"pipe", "subexpression"}


def _leading(node: dict[str, Any]) -> str | None:
    """Return the dotted path that a chain of names begins with, where all else in it is read of what stands there."""
    path = path_of(node)
    if path is not None or (node["type"] != "subexpression" and node["type"] not in _OF_ELEMENTS):
        return path
    first, *rest = node["children"]
    path = _leading(first)
    if path is None or node["type"] in _OF_ELEMENTS:
        return path
    for step in rest:  # `sets.x[0]` is `x[0]` of `sets`
        below = _leading(step)
        path = path if below is None else f"{path}.{below}"
        if path_of(step) is None:
            break
    return path


def above(names: Iterable[str]) -> dict[str, None]:
    """Return the dotted paths that stand above names, each once, outer before inner: `runtime`, `runtime.mlx_lm`."""
    parts = (name.split(".") for name in names)
    return dict.fromkeys(".".join(path[:length]) for path in parts for length in range(1, len(path)))
