"""Which gates of a table may fire, told by looking up what they begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .gate_order import Entry, Table

# By text which gates, in order; or, where texts, sets and expressions are several, for each expression: by text which
# gates, by member which sets, and for each set which gates.
Simple = dict[str, tuple[int, ...]]
Several = list[tuple[Simple, Simple, list[tuple[int, ...]]]]
Lookup = Simple | Several
_MOST = 4  # times as many entries as the sets have, at most, for one look-up instead of two


def lookup(table: Table, sets: Mapping[str, Sequence[str]]) -> Lookup:
    """Return the look-up of a table, as plain data."""
    asked: list[list[tuple[int, Entry]]] = [[] for _ in table.keys]
    for position, entry in enumerate(table.steps):
        asked[entry.key].append((position, entry))
    found = [_of_key(entries, sets) for entries in asked]
    if len(found) > 1:
        return found
    texts, members, gates = found[0]
    if sum(len(gates[number]) for numbers in members.values() for number in numbers) > _MOST * (len(members) + 256):
        return found
    whole = {text: list(positions) for text, positions in texts.items()}
    for member, numbers in members.items():
        whole.setdefault(member, []).extend(position for number in numbers for position in gates[number])
    return {text: tuple(sorted(positions)) for text, positions in whole.items()}


def _of_key(
    entries: Iterable[tuple[int, Entry]], sets: Mapping[str, Sequence[str]]
) -> tuple[Simple, Simple, list[tuple[int, ...]]]:
    texts: dict[str, list[int]] = {}
    members: dict[str, list[int]] = {}
    gates: dict[str, list[int]] = {}
    for position, entry in entries:
        if entry.text is not None:
            texts.setdefault(entry.text, []).append(position)
        elif entry.set is not None:
            gates.setdefault(entry.set, []).append(position)
    for number, name in enumerate(gates):
        for member in dict.fromkeys(sets[name]):
            members.setdefault(member, []).append(number)
    return _tuples(texts), _tuples(members), [tuple(positions) for positions in gates.values()]


def _tuples(lists: Mapping[str, list[int]]) -> Simple:
    return {name: tuple(numbers) for name, numbers in lists.items()}


def finder(several: Several) -> Callable[..., Sequence[int]]:
    """Return the function that gives the gates of a look-up, in order, for the values of its expressions."""

    def found(*values: Any) -> Sequence[int]:
        positions: list[int] = []
        for value, (texts, members, gates) in zip(values, several, strict=True):
            positions += texts.get(value, ())
            for number in members.get(value, ()):
                positions += gates[number]
        positions.sort()
        return positions

    return found
