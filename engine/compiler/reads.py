"""Which facts a program's gates read, and those that what they name is derived from."""

from __future__ import annotations

from collections.abc import Iterable, Set

from .program import Program


class Reads:
    """The facts that a program's gates read, by the gate's id. Of a gate that is not there these are none."""

    def __init__(self, program: Program) -> None:
        self._expressions = program.expressions
        self._gates = {gate.id: gate.when for gate in program.gates}
        self._derive = program.derive
        self._behind: dict[str, frozenset[str]] = {}  # of derived facts, by their own names
        self._resting: dict[str, frozenset[str]] = {}

    def by_itself(self, gate: str | None) -> frozenset[str]:
        """The facts, derived ones too, that the gate's own condition names."""
        return self._paths([self._gates.get(gate or "")])

    def of(self, gate: str | None) -> frozenset[str]:
        """The facts that the gate reads, those too that what it names is derived from."""
        return self.behind(self.by_itself(gate))

    def rests_on(self, gate: str | None, fact: str) -> bool:
        """Whether the gate, or one before it, rests on a fact; whether any does where it is None, or not there."""
        resting = self.resting_on(fact)
        for one, when in self._gates.items():
            if self._names(when, resting):
                return True
            if one == gate:
                break
        return False

    def behind(self, paths: frozenset[str]) -> frozenset[str]:
        """The facts among `paths`, and those that the derived ones among them are made of."""
        found = {path for path in paths if not path.startswith("derived.")}
        for name in {path.split(".")[1] for path in paths - found}:
            if name not in self._behind:
                branches = self._derive.get(name, ())
                self._behind[name] = self.behind(self._paths(part for b in branches for part in (b.when, b.compute)))
            found |= self._behind[name]
        return frozenset(found)

    def resting_on(self, fact: str) -> frozenset[str]:
        """The paths, of all that rules read, that rest on a fact: what touches it, and what is derived from that."""
        if fact in self._resting:
            return self._resting[fact]
        paths = {path for expression in self._expressions for path in expression.reads}
        below = [path for path in paths if path.count(".") > 1 and path.startswith("derived.")]
        found = {path for path in paths if touches(fact, path)}
        for name, branches in self._derive.items():  # each stands behind those that it reads
            if any(self._names(part, found) for b in branches for part in (b.when, b.compute)):
                found.add(f"derived.{name}")
                found.update(path for path in below if path.startswith(f"derived.{name}."))
        self._resting[fact] = frozenset(found)
        return self._resting[fact]

    def _names(self, part: int | None, paths: Set[str]) -> bool:
        """Whether an expression names any of the paths."""
        return part is not None and not paths.isdisjoint(self._expressions[part].reads)

    def _paths(self, parts: Iterable[int | None]) -> frozenset[str]:
        return frozenset(path for part in parts if part is not None for path in self._expressions[part].reads)


def touches(fact: str, path: str) -> bool:
    """Whether the path is the fact, stands below it, or is an object that holds it."""
    return path == fact or path.startswith(f"{fact}.") or fact.startswith(f"{path}.")
