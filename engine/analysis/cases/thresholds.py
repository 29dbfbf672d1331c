"""What a limit that moved says by itself: who is above the higher one is above the lower one too."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from ...facts.vocabulary import vocabulary
from ...language.expression import Node
from ...language.fact_paths import path_of, paths_in
from ..formulas.formula import Atom
from .space import Space

_ORDERED = {"gt": 1, "gte": 1, "lt": -1, "lte": -1}


def thresholds(space: Space) -> int:
    """Return the law that comparisons of one thing with a limit keep to, where two policies have it otherwise.

    Followed is only what grows with the limit for sure: the limit itself, or a product of it and of bytes, which are
    never negative (a fact that is refuses to be decided by).
    """
    cases, law = space.cases, space.cases.true
    alike: dict[Any, list[tuple[int, Atom]]] = {}
    for number, variable in enumerate(space.variables):
        if variable.kind == "opaque" and variable.atom is not None and variable.atom.node["type"] == "comparator":
            alike.setdefault(_form(variable.atom.node), []).append((number, variable.atom))
    for group in alike.values():
        for one, other in combinations(group, 2):
            grows = _grows(one[1], other[1])
            if grows:
                lower, higher = (one, other) if grows > 0 else (other, one)
                law = cases.both(law, cases.implied(cases.test(lower[0], [1]), cases.test(higher[0], [1])))
    return law


def _form(node: Node) -> Any:
    children = node.get("children", ())
    return node["type"], repr(node.get("value")), tuple(_form(c) if isinstance(c, dict) else repr(c) for c in children)


def _grows(one: Atom, other: Atom) -> int:
    """Return 1 where `one` implies `other`, -1 where `other` implies `one`, by one limit; 0 where neither is sure."""
    node = one.node
    names = [path.removeprefix("limits.") for path in paths_in(node) if path.startswith("limits.")]
    moved = [name for name in names if one.limits[name] != other.limits[name]]
    if len(moved) != 1 or node["value"] not in _ORDERED or one.sets != other.sets:
        return 0
    name = moved[0]
    path = f"limits.{name}"
    sides = [path in paths_in(child) for child in node["children"]]
    if sides == [True, True] or not _rises(node["children"][sides.index(True)], path, one):
        return 0
    fewer = _ORDERED[node["value"]] * (1 if sides[1] else -1)  # a higher limit on the right of > is passed by fewer
    return fewer * (1 if one.limits[name] > other.limits[name] else -1)


def _rises(node: Node, path: str, atom: Atom) -> bool:
    if path_of(node) == path:
        return True
    if node["type"] != "function_expression" or node["value"] != "product":
        return False
    (factors,) = node["children"]
    if factors["type"] != "multi_select_list":
        return False
    read = [path_of(factor) or "" for factor in factors["children"]]
    return read.count(path) == 1 and all(_not_negative(factor, atom) for factor in read if factor != path)


def _not_negative(path: str, atom: Atom) -> bool:
    if path.startswith("limits."):
        return atom.limits[path.removeprefix("limits.")] >= 0
    fact = vocabulary().facts.get(path)
    return fact is not None and fact.unit == "bytes"
