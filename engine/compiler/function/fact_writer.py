"""Generated code that takes facts into local variables, and looks whether each is as the vocabulary has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from ...facts.types import ARRAY, BOOLEAN, STRING, Type
from ...facts.vocabulary import ABSENT, Fact
from ...language.fact_paths import above
from ...language.function_code import PYTHON
from .expression_writer import FastNames

if TYPE_CHECKING:
    from .rule_writer import Written


class Loads:
    """What is loaded at a place in the code, under the names that `FastNames` gives."""

    def __init__(
        self, facts: Mapping[str, Fact], names: FastNames, lenient: bool = False, refuse: str = "return _slow(facts)"
    ) -> None:
        """lenient: whether facts may be left out that have a default. refuse: the code for a fact that will not do."""
        self._facts, self._names, self._lenient, self.refuse = facts, names, lenient, refuse
        self._sections = {name: f"x{number}" for number, name in enumerate(above(facts))}
        self._done: set[str] = set()

    def copy(self) -> Loads:
        """Return what is loaded now, to be added to in a part of the code that may be passed by."""
        other = Loads.__new__(Loads)
        other.__dict__ = {**self.__dict__, "_done": set(self._done)}
        return other

    def lines(self, facts: Set[str], parts: Sequence[Written]) -> Iterator[str]:
        """Yield the code that loads facts which are not loaded yet, lists as the code `parts` wants them."""
        lines = {name for part in parts for name in part.lines} & facts
        whole = {name for part in parts for name in part.whole} & facts
        for name in sorted(facts, key=self._names.numbers.__getitem__):
            yield from self._fact(name, elements=name not in lines | whole)
        for name in sorted(lines):
            yield from self._once(f"lines {name}", *self._text(name))
        for name in sorted(whole - lines):
            yield from self._once(f"whole {name}", f"_join({self._names.local(name)})")

    def _once(self, what: str, *code: str) -> Iterator[str]:
        if what not in self._done:
            self._done.add(what)
            yield from code

    def _section(self, name: str) -> Iterator[str]:
        if not name:
            return
        parent, _, key = name.rpartition(".")
        yield from self._section(parent)
        place, local = self._sections.get(parent, "facts"), self._sections[name]
        found = f"{place}.get({key!r}, _nothing)" if self._lenient else f"{place}[{key!r}]"
        yield from self._once(name, f"{local} = {found}", f"if {local}.__class__ is not dict: {self.refuse}")

    def _fact(self, name: str, elements: bool) -> Iterator[str]:
        section, _, key = name.rpartition(".")
        if f"fact {name}" in self._done:
            return
        yield from self._section(section)
        place, local = self._sections.get(section, "facts"), self._names.local(name)
        fact = self._facts[name]
        lenient = self._lenient and fact.default is not ABSENT
        found = f"{place}.get({key!r}, {fact.default!r})" if lenient else f"{place}[{key!r}]"
        yield from self._once(f"fact {name}", f"{local} = {found}", *_check(local, fact, elements, self.refuse))

    def _text(self, name: str) -> Iterator[str]:
        # A name with a line's end in it would read as two.
        yield f"if '\\n' in _join({self._names.local(name)}): {self.refuse}"
        yield f"{self._names.text(name)} = ''  # made where it is first asked"


def _check(local: str, fact: Fact, elements: bool, refuse: str) -> Iterator[str]:
    """Yield the code that leaves a fact which `Fact.fault` finds fault with, and some others, to the exact way.

    elements: whether a list's are looked at here, as far as `Fact.fault` does.
    """
    kind = fact.type
    if kind.anything:
        return
    # A number that is no whole one may be none at all: the exact way sees to it.
    wrong = unlike(local, kind, numbers=("int",))
    if fact.unit == "bytes" and "number" in kind.kinds:
        wrong += f" or {local} is not None and {local} < 0" if kind.nullable else f" or {local} < 0"
    yield f"if {wrong}: {refuse}"
    if elements and kind.item is not None and kind.kinds - {"null"} == ARRAY.kinds:
        there = f"{local} is not None and " if kind.nullable else ""
        if kind.item == STRING:
            yield f"if {there}len({local}) <= 8: _join({local})"
        else:
            # Versions, as they are the only ones: of three numbers, or the exact way sees to it.
            yield f"{there and f'if {local} is not None: '}i0, i1, i2 = {local}"
            yield f"if {there}not i0.__class__ is i1.__class__ is i2.__class__ is int: {refuse}"


def unlike(local: str, kind: Type, numbers: tuple[str, ...] = ("float", "int")) -> str:
    """Return the code of whether a value is of no kind that it may be, or no text that it may be.

    numbers: the names of Python's types that stand for a number.
    """
    kinds = kind.kinds - {"null"}
    if kinds == BOOLEAN.kinds:
        wrong = f"{local} is not True and {local} is not False"
    elif kinds == STRING.kinds and kind.values is not None:
        wrong = f"{local} not in {set(kind.values)!r}"
    else:
        own = [numbers if one == "number" else [each.__name__ for each in PYTHON[one]] for one in sorted(kinds)]
        wrong = " and ".join(f"{local}.__class__ is not {name}" for names in own for name in names) or "True"
        if "string" in kinds and kind.values is not None:
            wrong += f" or {local}.__class__ is str and {local} not in {set(kind.values)!r}"
    return f"{local} is not None and ({wrong})" if kind.nullable else wrong
