"""In which way a policy's gates are asked: those that begin alike together, many that begin with a value by a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ...language.expression import Node
from ...language.fact_paths import path_of

_LEAST = 8  # gates in a row from which on a table is faster than one question after the other


class Step(NamedTuple):
    """A gate, by its number, and what is left to ask of it: the conditions that must all hold."""

    terms: tuple[Node, ...]
    gate: int


class Group(NamedTuple):
    """Gates in a row that all begin with one condition.

    idle: what gates ask that never fire, as one before them always does where the group's condition holds. It is no
    part of the code, but where a fact in it is not as it should be, such a gate cannot be evaluated, and blocks.
    """

    term: Node
    items: tuple[Item, ...]
    idle: tuple[Node, ...] = ()


class Table(NamedTuple):
    """Gates in a row that begin with a text that some expression must be, or a set that it must be in.

    keys: the expressions. steps: of each gate which key it asks, the text or the set (`sets.x`), and what is left.
    """

    keys: tuple[Node, ...]
    steps: tuple[Entry, ...]


class Entry(NamedTuple):
    """One gate of a table."""

    key: int
    text: str | None
    set: str | None
    step: Step


Item = Step | Group | Table


def planned(steps: Sequence[Step]) -> tuple[Item, ...]:
    """Return how gates are asked, in their order."""
    items: list[Item] = []
    at = 0
    while at < len(steps):
        taken = _table(steps, at) or _group(steps, at) or (steps[at],)
        at += len(taken)
        items.append(taken[0] if len(taken) == 1 else _joined(taken))
        if len(taken) == 1 and not taken[0].terms:
            break  # it always fires
    return tuple(items)


def terms_of(node: Node | None) -> tuple[Node, ...]:
    """Return the conditions that a condition puts together with &&."""
    if node is None:
        return ()
    if node["type"] == "and_expression":
        return tuple(term for child in node["children"] for term in terms_of(child))
    return (node,)


def gates_in(item: Item) -> Iterator[int]:
    """Yield the numbers of an item's gates."""
    if isinstance(item, Step):
        yield item.gate
    elif isinstance(item, Group):
        for inner in item.items:
            yield from gates_in(inner)
    else:
        yield from (entry.step.gate for entry in item.steps)


def nodes_in(items: Iterable[Item]) -> Iterator[Node]:
    """Yield the conditions that are asked, each as often as it stands in the code."""
    for item in items:
        if isinstance(item, Step):
            yield from item.terms
        elif isinstance(item, Group):
            yield item.term
            yield from nodes_in(item.items)
            yield from item.idle
        else:
            yield from item.keys
            yield from nodes_in(entry.step for entry in item.steps)


def uses(nodes: Iterable[Node]) -> Counter[str]:
    """Return how often each derived fact stands in expressions."""
    found: Counter[str] = Counter()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        path = path_of(node)
        if path is not None:
            if path.startswith("derived."):
                found[path.split(".")[1]] += 1
            continue
        waiting += [child for child in node.get("children", ()) if isinstance(child, dict)]
    return found


def _joined(steps: Sequence[Step]) -> Item:
    if len(steps) >= _LEAST and (table := _as_table(steps)) is not None:
        return table
    first = steps[0].terms[0]
    inner = [Step(step.terms[1:], step.gate) for step in steps]
    firing = next((number for number, step in enumerate(inner) if not step.terms), len(inner))
    return Group(first, planned(inner), tuple(term for step in inner[firing:] for term in step.terms))


def _table(steps: Sequence[Step], at: int) -> Sequence[Step]:
    end = at
    while end < len(steps) and _key(steps[end]) is not None:
        end += 1
    return steps[at:end] if end - at >= _LEAST else ()


def _as_table(steps: Sequence[Step]) -> Table | None:
    keys: list[Node] = []
    numbers: dict[Any, int] = {}  # of keys, by what tells equal ones
    entries: list[Entry] = []
    for step in steps:
        asked = _key(step)
        if asked is None:
            return None
        key, text, name = asked
        number = numbers.setdefault(shape(key), len(keys))
        if number == len(keys):
            keys.append(key)
        entries.append(Entry(number, text, name, Step(step.terms[1:], step.gate)))
    return Table(tuple(keys), tuple(entries))


def _key(step: Step) -> tuple[Node, str | None, str | None] | None:
    """Return what the first condition asks: an expression, and the text that it must be or the set that it is in."""
    if not step.terms:
        return None
    term = step.terms[0]
    if term["type"] == "comparator" and term["value"] == "eq":
        for one, other in (term["children"], reversed(term["children"])):
            if other["type"] == "literal" and type(other["value"]) is str and _is_text(one):
                return one, other["value"], None
    if term["type"] == "function_expression" and term["value"] == "contains":
        members, member = term["children"]
        path = path_of(members) or ""
        if path.startswith("sets.") and _is_text(member):
            return member, None, path[5:]
    return None


def _is_text(node: Node) -> bool:
    return node.get("kinds", frozenset({"any"})) <= {"string", "null"}


def _group(steps: Sequence[Step], at: int) -> Sequence[Step]:
    if not steps[at].terms:
        return ()
    form, end = shape(steps[at].terms[0]), at + 1
    while end < len(steps) and steps[end].terms and shape(steps[end].terms[0]) == form:
        end += 1
    return steps[at:end]


def shape(node: Node) -> Any:
    """Return what tells equal expressions, wherever they stand in a file."""
    children = tuple(shape(child) if isinstance(child, dict) else child for child in node.get("children", ()))
    return node["type"], repr(node.get("value")), children
