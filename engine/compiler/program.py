"""A policy as it runs: rules as plain data, and the functions of their expressions, which they name by number.

A program is plain data: it can be put down as bytes and taken up again, and nothing of YAML or JMESPath is needed then.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from ..facts.types import Type
from ..facts.vocabulary import Fact

Node = dict[str, Any]

if TYPE_CHECKING:
    from typing import Protocol

    class Nodes(Protocol):
        """The syntax trees of expressions, by their place in `Program.expressions`."""

        def __getitem__(self, place: int, /) -> Node: ...


Guard = tuple[str, tuple[frozenset[str], ...]]  # a function, and the kinds that each of its arguments may be of


class Expression(NamedTuple):
    """An expression of a rule: its text, the dotted paths that it reads, and the number of its function."""

    text: str
    reads: tuple[str, ...]
    function: int


class BranchRule(NamedTuple):
    """One branch of a derived fact; expressions by their place in `Program.expressions`, None where there is none."""

    when: int | None
    value: Any
    compute: int | None
    why: str


Branches = tuple[BranchRule, ...]  # of a derived fact


class GateRule(NamedTuple):
    """A gate. `message`: text, its spaces single, and expressions. about: words for people, by their keys.

    before: of a gate that is observed, how many gates that decide stand before it.
    """

    id: str
    when: int | None
    decide: str
    backend: str
    error: str | None
    http: int | None
    message: tuple[str | int, ...] | None
    file: str
    line: int
    about: dict[str, str] | None = None
    before: int = 0


class Program(NamedTuple):
    """All that deciding and explaining need.

    nodes: the expressions' syntax trees, every part of a condition with the number of its function, `run`. functions:
    by that number, the digest of a function's code (compiler.program_functions makes them run), which names `constants`
    and `guards`. derive: in this order. facts: the vocabulary.
    """

    name: str
    version: str
    sets: dict[str, list[str]]
    limits: dict[str, int | float]
    types: dict[str, Type]
    derive: dict[str, Branches]
    gates: tuple[GateRule, ...]
    expressions: tuple[Expression, ...]
    nodes: "Nodes"
    functions: tuple[int, ...]
    constants: dict[str, Any]
    guards: dict[str, Guard]
    facts: tuple[Fact, ...]
    observed: tuple[GateRule, ...] = ()  # gates that are tried where they are reached, and never decide
