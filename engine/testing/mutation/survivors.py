"""Which mutants of a policy its cases notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...analysis.formulas.constants import SETS_AT
from ...decision import Decision
from ...language.expression import Node
from ...language.fact_paths import path_of
from ...policy import Policy
from ...problems import PolicyError
from ...rulefile.checked import Checked, check
from ...rulefile.document import Document, Gate, Located, StringSet
from ..cases import Equivalent, Run
from ..incremental import Machine, State, machine
from ..outcome import differences
from .mutants import Mutant, mutants

_KEEPING = frozenset(("lower", "text", "not_null", "glob", "keys", "values", "true_keys", "to_array"))  # words of facts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant: the case that noticed it, or None.

    repeated: it was noticed, and only by cases that are repeated for the set it was taken from. reason: why no case
    can notice it, where a case file says so.
    """

    mutant: Mutant
    by: Run | None
    repeated: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Mutation:
    """Every mutant that loads, and what became of it. invalid: how many do not load. stale: explanations of nothing."""

    verdicts: tuple[Verdict, ...]
    invalid: int
    stale: tuple[tuple[str, Equivalent], ...]

    @property
    def survivors(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.by is None and not verdict.reason]

    def score(self, kind: str | None = None) -> tuple[int, int, int]:
        """Return how many mutants were noticed, how many are explained, and how many there are, of a kind or all."""
        chosen = [verdict for verdict in self.verdicts if kind in (None, verdict.mutant.kind)]
        noticed = sum(verdict.by is not None for verdict in chosen)
        return noticed, sum(verdict.by is None and bool(verdict.reason) for verdict in chosen), len(chosen)

    def percent(self, entries: bool = True) -> float:
        """Return the share of mutants noticed, the explained ones left out; with or without those of set entries."""
        chosen = [v for v in self.verdicts if (v.by or not v.reason) and (entries or v.mutant.kind != "entry")]
        return 100 * sum(verdict.by is not None for verdict in chosen) / len(chosen) if chosen else 100.0


def mutate(policy: Policy, runs: Sequence[Run], equivalent: Sequence[tuple[str, Equivalent]]) -> Mutation:
    """Return what the cases, which must all pass, notice of every mutant of a policy."""
    base, sound = machine(policy.document), check(policy.document)
    # Cases that are repeated for a set come last: they are many and alike.
    cases = [_Case(run, base.start(run.facts)) for run in sorted(runs, key=lambda run: run.set != "")]
    words = _Words(policy.document, cases)
    reasons = {id: part.reason for id, part in equivalent}
    verdicts: list[Verdict] = []
    invalid = 0
    for mutant in mutants(policy.document):
        if mutant.kind != "entry" and not _loads(mutant.document, sound):
            invalid += 1
            continue
        noticing = words.noticing(mutant) if mutant.kind == "entry" else cases
        changed = machine(mutant.document, base) if noticing else base
        by = next((case.run for case in noticing if case.notices(changed)), None)
        verdicts.append(Verdict(mutant, by, by is not None and by.set == mutant.set != "", reasons.get(mutant.id, "")))
    explained = {verdict.mutant.id for verdict in verdicts if verdict.by is None}
    return Mutation(tuple(verdicts), invalid, tuple((id, part) for id, part in equivalent if id not in explained))


def _loads(document: Document, sound: Checked) -> bool:
    try:
        check(document, sound)
    except PolicyError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Case:
    run: Run
    state: State

    def notices(self, changed: Machine) -> bool:
        """Whether its expectations fail under a changed policy. Messages are no part of what is mutated."""
        after = changed.again(self.state)
        if after is None:
            return False
        expect = dict(self.run.expect)
        if expect.pop("message", None) is not None and _id(after.gate) != _id(self.state.gate):
            return True
        return bool(differences(expect, decision_of(after.gate), after.derived))


def _id(gate: Gate | None) -> str:
    return gate.id if gate is not None else ""


def decision_of(gate: Gate | None) -> Decision:
    """Return the decision of a gate without its message; of None that of a gate that cannot be evaluated."""
    if gate is None:
        return Decision("block", "unsupported", None, "policy_error", 500, None, {"name": "", "version": ""})
    return Decision(gate.decide, gate.backend, gate.id, gate.error, gate.http, None, {"name": "", "version": ""})


class _Words:
    """Which cases can notice that an entry is gone: those whose facts, or facts derived of them, hold its letters."""

    def __init__(self, document: Document, cases: Sequence[_Case]) -> None:
        self.cases = cases
        self.holding: dict[str, list[_Case]] = {}  # by each text of their facts: most are those of many cases
        for case in cases:
            for text in {text.lower() for text in _texts([case.state.facts, case.state.derived])}:
                self.holding.setdefault(text, []).append(case)
        every = document.expressions
        self.literals = "\n".join(text for part in every for text in _literals(part.expression.node)).lower()
        self.whole = {part.name for part in document.sets if _used_whole(part, every)}

    def noticing(self, mutant: Mutant) -> list[_Case]:
        word = mutant.word.lower()
        if mutant.set in self.whole or word in self.literals:
            found = self.cases
        else:
            held = {id(case) for text, cases in self.holding.items() if word in text for case in cases}
            found = [case for case in self.cases if id(case) in held]
        return sorted(found, key=lambda case: case.run.set == mutant.set)  # its own set's cases come last


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _literals(node: Node) -> Iterator[str]:
    if node["type"] == "literal":
        yield from _texts(node["value"])
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _literals(child)


def _makes_words(node: Any) -> bool:
    """Whether an expression may give words that no fact holds, such as `type(x)` and `join('-', x)`."""
    if not isinstance(node, dict):
        return False
    if node["type"] == "function_expression" and node["value"] not in _KEEPING:
        return True
    return any(map(_makes_words, node.get("children", ())))


def _used_whole(part: StringSet, every: Iterable[Located]) -> bool:
    """Whether a set is read otherwise than by asking it for a word of the facts: then it may matter to any case."""

    whole = f"sets.{part.name}"

    def outside(node: Node) -> bool:
        if path_of(node) in (whole, "sets"):
            return True
        asked = SETS_AT.get(node["value"]) if node["type"] == "function_expression" else None
        children = [child for number, child in enumerate(node.get("children", ())) if number != asked]
        if asked is not None and path_of(node["children"][asked]) is None:
            children = node["children"]
        elif asked is not None and path_of(node["children"][asked]) == whole and any(map(_makes_words, children)):
            return True
        return any(outside(child) for child in children if isinstance(child, dict))

    return any(outside(located.expression.node) for located in every)
