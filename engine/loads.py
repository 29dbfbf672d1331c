"""Generated code that takes facts into local variables, and looks whether each is as the vocabulary has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .library import PYTHON
from .types import ARRAY, BOOLEAN, NUMBER, OBJECT, STRING, STRINGS, Type
from .vocabulary import ABSENT, Fact


class Loads:
    """What is loaded at a place in the code. Facts are `f0`, `f1`... by their number; a list as one text `j0`..."""

    def __init__(self, facts: Mapping[str, Fact], lenient: bool = False, refuse: str = "return _slow(facts)") -> None:
        """lenient: whether facts may be left out that have a default. refuse: the code for a fact that will not do."""
        self._facts, self._lenient, self.refuse = facts, lenient, refuse
        self._numbers = {name: number for number, name in enumerate(facts)}
        parents = dict.fromkeys(name.rpartition(".")[0] for name in facts if "." in name)
        self._sections = {name: f"x{number}" for number, name in enumerate(_with_parents(parents))}
        self._done: set[str] = set()

    def copy(self) -> Loads:
        """Return what is loaded now, to be added to in a part of the code that may be passed by."""
        other = Loads.__new__(Loads)
        other.__dict__ = {**self.__dict__, "_done": set(self._done)}
        return other

    def local(self, name: str) -> str:
        """Return the name of a fact's variable."""
        return f"f{self._numbers[name]}"

    def lines(self, facts: Iterable[str], whole: Iterable[str], lines: Iterable[str]) -> Iterator[str]:
        """Yield the code that loads what is not loaded yet.

        whole: lists every element of which must be text. lines: lists that are wanted as one text.
        """
        lines, whole = set(lines), set(whole)
        for name in sorted(facts, key=self._numbers.__getitem__):
            yield from self._fact(name, elements=name not in lines | whole)
        for name in sorted(lines):
            yield from self._once(f"lines {name}", *self._text(name))
        for name in sorted(whole - lines):
            yield from self._once(f"whole {name}", f"_join({self.local(name)})")

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
        place, local = self._sections.get(section, "facts"), self.local(name)
        fact = self._facts[name]
        lenient = self._lenient and fact.default is not ABSENT
        found = f"{place}.get({key!r}, {fact.default!r})" if lenient else f"{place}[{key!r}]"
        yield from self._once(f"fact {name}", f"{local} = {found}", *_check(local, fact, elements, self.refuse))

    def _text(self, name: str) -> Iterator[str]:
        # A name with a line's end in it would read as two.
        yield f"if '\\n' in _join({self.local(name)}): {self.refuse}"
        yield f"j{self._numbers[name]} = ''  # made where it is first asked"


def _with_parents(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            prefix = ".".join(parts[:length])
            if prefix not in seen:
                seen.add(prefix)
                yield prefix


def _check(local: str, fact: Fact, elements: bool, refuse: str) -> Iterator[str]:
    """Yield the code that leaves a fact which `Fact.fault` finds fault with, and some others, to the exact way.

    elements: whether a list's are looked at here, as far as `Fact.fault` does.
    """
    kinds, nullable = fact.type.kinds - {"null"}, fact.type.nullable
    if fact.type.anything:
        return
    some = f"{local} is not None and " if nullable else ""
    if fact.type.values is not None and not nullable:
        yield f"if {local} not in {set(fact.type.values)!r}: {refuse}"
    elif kinds == BOOLEAN.kinds:
        yield f"if {some}{local} is not True and {local} is not False: {refuse}"
    elif kinds == STRING.kinds and fact.type.values is None:
        yield f"if {some}{local}.__class__ is not str: {refuse}"
    elif kinds == OBJECT.kinds:
        yield f"if {some}{local}.__class__ is not dict: {refuse}"
    elif kinds == NUMBER.kinds:
        least = f" or {local} < 0" if fact.unit == "bytes" else ""
        yield (
            f"if {local} is not None and ({local}.__class__ is not int{least}): {refuse}"
            if nullable
            else (f"if {local}.__class__ is not int{least}: {refuse}")
        )
    elif kinds == ARRAY.kinds and not nullable:
        yield f"if {local}.__class__ is not list: {refuse}"
        if fact.type.item is not None and elements:
            if fact.type == STRINGS:
                yield f"if len({local}) <= 8: _join({local})"
            else:
                kinds = " is ".join(f"{local}[{number}].__class__" for number in range(3))
                yield f"if len({local}) != 3 or not {kinds} is int: _integers({local})"
    else:
        yield f"if _fault({fact.name!r}, {local}): {refuse}"


def unlike(local: str, kind: Type) -> str:
    """Return the code of whether a value is of no kind that a derived fact may have, or no text that it may be."""
    if kind.kinds == BOOLEAN.kinds:
        return f"{local} is not True and {local} is not False"
    names = sorted(own.__name__ for one in kind.kinds if one != "null" for own in PYTHON[one])
    wrong = " and ".join(f"{local}.__class__ is not {name}" for name in names) or "True"
    if "str" in names and kind.values is not None:
        wrong += f" or {local}.__class__ is str and {local} not in {set(kind.values) or {None}!r}"
    return f"{local} is not None and ({wrong})" if kind.nullable else wrong
