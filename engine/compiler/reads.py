"""Which facts a program's gates read, and those that what they name is derived from."""

from __future__ import annotations

from collections.abc import Iterable

from .program import Program


class Reads:
    """The facts that a program's gates read, by the gate's id. Of a gate that is not there these are none."""

    def __init__(self, program: Program) -> None:
        self._expressions = program.expressions
        self._gates = {gate.id: gate.when for gate in program.gates}
        self._derive = {rule.name: rule.branches for rule in program.derive}
        self._known: dict[str, frozenset[str]] = {}

    def by_itself(self, gate: str | None) -> frozenset[str]:
        """The facts, derived ones too, that the gate's own condition names."""
        return self._paths([self._gates.get(gate or "")])

    def of(self, gate: str | None) -> frozenset[str]:
        """The facts that the gate reads, those too that what it names is derived from."""
        return self.behind(self.by_itself(gate))

    def up_to(self, gate: str | None) -> frozenset[str]:
        """The facts that the gate and those before it read; what all of them do where it is None, or not there."""
        found: set[str] = set()
        for one in self._gates:
            found |= self.of(one)
            if one == gate:
                break
        return frozenset(found)

    def behind(self, paths: frozenset[str]) -> frozenset[str]:
        """The facts among `paths`, and those that the derived ones among them are made of."""
        found = {path for path in paths if not path.startswith("derived.")}
        for name in {path.split(".")[1] for path in paths - found}:
            if name not in self._known:
                branches = self._derive.get(name, ())
                self._known[name] = self.behind(self._paths(part for b in branches for part in (b.when, b.compute)))
            found |= self._known[name]
        return frozenset(found)

    def _paths(self, parts: Iterable[int | None]) -> frozenset[str]:
        return frozenset(path for part in parts if part is not None for path in self._expressions[part].reads)


def touches(fact: str, paths: Iterable[str]) -> bool:
    """Whether any of the paths is the fact, stands below it, or is an object that holds it."""
    return any(path == fact or path.startswith(f"{fact}.") or fact.startswith(f"{path}.") for path in paths)
