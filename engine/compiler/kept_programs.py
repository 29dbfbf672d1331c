"""Programs kept on disk, so that starting needs neither YAML nor JMESPath: a policy's text, and what became of it.

What is kept is data: no code, and no text that becomes code.
"""

from __future__ import annotations

import marshal
import os
from typing import TYPE_CHECKING

from ..facts.types import Type
from ..facts.vocabulary import ABSENT, Fact
from ..storage.kept_values import put, take
from .program import BranchRule, Expression, GateRule, Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..rulefile.document import Document
    from ..storage.kept_values import Files
    from .program import Node

    Audit = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
    Path = str | os.PathLike[str]


def stored(path: Path, name: str) -> tuple[Program, Audit | None] | None:
    """Return the program kept of the rule file `path`, called `name` in messages; None where none is, or to believe.

    With it comes what its audit part says, as `audit_of` does.
    """
    found = take(_key(path, name))
    if found is None:
        return None
    program, audit = found[1]
    return _program(program), audit


def files_of(path: Path, name: str) -> Files | None:
    """Return path and bytes of each file that the program kept for a rule file is of; None where none is to believe."""
    found = take(_key(path, name))
    return None if found is None else found[0]


def store(path: Path, name: str, document: Document, program: Program) -> None:
    """Keep the program that `document` became; says nothing where that cannot be done."""
    try:
        files = list(_files(document))
    except ValueError:
        return
    put(_key(path, name), files, (_plain(program), audit_of(document)))


def audit_of(document: Document) -> Audit | None:
    """Return what a policy's audit part says, without its places; None where it has none.

    These are the library versions that the policy was checked with, and for each set its fact.
    """
    audit = document.audit
    if audit is None:
        return None
    checked_with = tuple((library, version) for library, version, _ in audit.checked_with)
    return checked_with, tuple((name, fact) for name, fact, _ in audit.sets)


def _files(document: Document) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of a policy's rule file, and of those that it extends."""
    layer: Document | None = document
    while layer is not None:
        source = layer.place.source
        if source.path is None:
            raise ValueError("no file")
        yield str(source.path), source.data
        layer = layer.base


def _key(path: Path, name: str) -> str:
    # A name stands in the trace's places, so the same file under another name is another program.
    return f"{os.path.join(os.getcwd(), os.fspath(path))}\n{name}"


# --- to plain values and back: marshal takes no subclass of a tuple


def _plain(program: Program) -> tuple[Any, ...]:
    return (
        program.name,
        program.version,
        program.sets,
        program.limits,
        {name: _plain_type(kind) for name, kind in program.types.items()},
        [(name, [tuple(branch) for branch in branches]) for name, branches in program.derive.items()],
        ([tuple(gate) for gate in program.gates], [tuple(gate) for gate in program.observed]),
        [tuple(expression) for expression in program.expressions],
        program.functions,
        program.constants,
        program.guards,
        list(map(_plain_fact, program.facts)),
        marshal.dumps([program.nodes[place] for place in range(len(program.expressions))]),
    )


class _LateNodes:
    """Syntax trees, taken up when one is asked for: saying what is decided needs none of them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._nodes: list[Node] | None = None

    def __getitem__(self, place: int, /) -> Node:
        nodes = self._nodes
        if nodes is None:
            nodes = self._nodes = marshal.loads(self._data)
        return nodes[place]


def _program(plain: tuple[Any, ...]) -> Program:
    name, version, sets, limits, types, derive, gates, expressions, functions, constants, guards, facts, nodes = plain
    return Program(
        name,
        version,
        sets,
        limits,
        {key: _type(kind) for key, kind in types.items()},
        {key: tuple([BranchRule(*branch) for branch in branches]) for key, branches in derive},
        tuple([GateRule(*gate) for gate in gates[0]]),
        tuple([Expression(*expression) for expression in expressions]),
        _LateNodes(nodes),
        functions,
        constants,
        guards,
        tuple([Fact(f[0], _type(f[1]), f[2], ABSENT if f[3] else f[4], *f[5:]) for f in facts]),
        tuple([GateRule(*gate) for gate in gates[1]]),
    )


def _plain_fact(fact: Fact) -> tuple[Any, ...]:
    default = (True, None) if fact.default is ABSENT else (False, fact.default)
    return fact.name, _plain_type(fact.type), fact.unit, *default, fact.source, fact.means


def _plain_type(kind: Type) -> tuple[Any, ...]:
    fields = None if kind.fields is None else {name: _plain_type(inner) for name, inner in kind.fields.items()}
    return kind.kinds, None if kind.item is None else _plain_type(kind.item), fields, kind.values, kind.sure


def _type(plain: tuple[Any, ...]) -> Type:
    kinds, item, fields, values, sure = plain
    inner = None if fields is None else {name: _type(kind) for name, kind in fields.items()}
    return Type(kinds, None if item is None else _type(item), inner, values, sure)
