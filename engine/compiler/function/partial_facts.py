"""The decider for facts that are not whole: some left out that have a default, or derived facts given by the caller.

The same gates and expressions. Each derived fact that a gate reads is worked out before the gate, unless it is given,
from facts that are looked at only then: as the exact way does. It is there because the frozen policy's record, which
the bench decides by the million, gives derived facts in place of a folder's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...language.expression import Node
from ..program import Program
from .decider import Decider
from .expression_writer import Unsupported
from .fact_writer import Loads, unlike
from .policy_writer import Place, PolicyWriter, below


def lenient_decider(program: Program) -> tuple[Decider, dict[str, Any]] | None:
    """Return the decider, and names of its code of its own; None where a rule reads what only the exact way has."""
    try:
        return _Lenient(program).decider(), {"_names": frozenset(program.types)}
    except Unsupported:
        return None


class _Lenient(PolicyWriter):
    keep = True
    local_names = (*PolicyWriter.local_names, "_nothing")

    def no_loads(self) -> Loads:
        return Loads(self.rules.facts, self.rules.names, lenient=True)

    def start(self) -> Place:
        return Place(self.loads.copy(), frozenset(), listed=True)

    def beginning(self) -> list[str]:
        return [
            "given = facts.get('derived')",
            "if given is not None and given.__class__ is not dict: return _slow(facts)",
            "s = {} if given is None else given.copy()",
            "if not _names.issuperset(s): return _slow(facts)",
        ]

    def tail(self) -> list[str]:
        return ["except Exception:", "    return _slow(facts)"]

    def ready(
        self, nodes: Iterable[Node], place: Place, first: Node | None = None, risky: bool = True
    ) -> tuple[Place, list[str]]:
        """Return the code that loads what expressions name, and works out the derived facts among it."""
        nodes, loads = list(nodes), place.loads.copy()
        facts, derived = self.rules.read(nodes)
        code = list(loads.lines(facts, [*map(self.rules.write, nodes)]))
        wanted = [name for name in self.program.derive if name in derived - place.known]
        for name in wanted:
            slot = self.rules.kept[name].slot
            value = f"v{slot}"
            code.append(f"{value} = s.get({name!r}, _unknown)")
            if name in self.met:
                code.append(f"if {value} is _unknown: {value} = e{slot}(s, facts)")
            else:  # where it is met first it stands, later it is called
                self.met.add(name)
                code += below(f"if {value} is _unknown:", self.made(name, Place(loads.copy(), place.known, True)))
            # Of what is given the type is not known, nor of what may have been given where it is read again.
            code.append(f"elif {unlike(value, self.program.types[name])}: {loads.refuse}")
            place = place._replace(known=place.known | {name})
        return Place(loads, place.known, True), code

    def made(self, name: str, place: Place) -> list[str]:
        """Return the code that works out a derived fact."""
        kept = self.rules.kept[name]
        place, code = self.ready(self.rules.nodes_of(self.program.derive[name]), place)
        return [*code, f"s[{name!r}] = v{kept.slot} = {self.rules.at(kept.code, place.known)}"]

    def derived_functions(self) -> Iterator[str]:
        """Yield the code of the functions that work out derived facts."""
        loads = Loads(self.rules.facts, self.rules.names, lenient=True, refuse="raise ValueError")
        for name, kept in self.rules.kept.items():
            code = self.made(name, Place(loads.copy(), frozenset(), True))
            yield from below(f"def e{kept.slot}(s, facts):", [*code, f"return v{kept.slot}"])
