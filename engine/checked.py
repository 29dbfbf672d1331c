"""Type-checks a whole policy: every expression against the facts, sets, limits and what was derived before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .check import Checker, Finding
from .document import Branch, Derivation, Document, Located
from .errors import PolicyError, Problem, did_you_mean
from .narrow import NOTHING, Paths, not_null_when
from .types import ANYTHING, NUMBER, STRING, STRINGS, Type, type_of
from .vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy document that passed every check, and the types of its derived facts."""

    document: Document
    derived: dict[str, Type]


def check(document: Document) -> Checked:
    """Return the document with the types of its derived facts.

    Raises PolicyError with every problem found: expressions, references, messages, the order of the gates.
    """
    checker = _PolicyChecker(document)
    for derivation in document.derive:
        checker.derivation(derivation)
    for gate in document.gates:
        if gate.when is not None:
            checker.condition(gate.when, NOTHING)
        known = not_null_when(gate.when.expression.node, True) if gate.when is not None else NOTHING
        for part in gate.message.parts if gate.message is not None else ():
            if isinstance(part, Located):
                checker.placeholder(part, known)
    checker.order_of_gates()
    checker.audited()
    if checker.problems:
        raise PolicyError(checker.problems)
    return Checked(document, checker.derived)


class _PolicyChecker:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.derived: dict[str, Type] = {}
        self.facts = vocabulary().tree().fields or {}
        self.sets = _record({part.name: STRINGS for part in document.sets})
        self.limits = _record({part.name: NUMBER for part in document.limits})

    @property
    def scope(self) -> Type:
        own = {"sets": self.sets, "limits": self.limits, "derived": _record(self.derived)}
        return _record({**self.facts, **own})

    def condition(self, located: Located, known: Paths) -> None:
        findings = Checker(located.expression, self.scope).condition(known)
        self.problems.extend(self._placed(located, finding) for finding in findings)

    def value(self, located: Located, known: Paths) -> Type:
        kind, findings = Checker(located.expression, self.scope).value(known)
        self.problems.extend(self._placed(located, finding) for finding in findings)
        return kind

    def _placed(self, located: Located, finding: Finding) -> Problem:
        problem = located.problem(finding)
        if problem.code == "unknown-derived":
            name = str(finding.node["value"])
            if any(part.name == name for part in self.document.derive):
                # Read before it is there: of its own derivation, or of one further down.
                return replace(problem, help=f"`derived.{name}` can only be read below its own derivation")
        return problem

    def placeholder(self, located: Located, known: Paths) -> None:
        count = len(self.problems)
        kind = self.value(located, known)
        if len(self.problems) == count and not kind.anything and kind.kinds & {"object", "array"}:
            text = located.expression.text.strip()
            help = f"say what of it: `join(', ', {text})`" if kind.item == STRING else "name a part of it that is text"
            problem = Problem("not-text", f"`{text}` is {kind}, which a message cannot hold", help)
            self.problems.append(located.at(problem, 0, len(located.expression.text)))

    def derivation(self, derivation: Derivation) -> None:
        known = NOTHING  # what the branches before this one, by not matching, prove
        whole: Type | None = None
        for branch in derivation.branches:
            kind = self.branch(branch, known)
            whole = kind if whole is None else whole.union(kind)
            if branch.when is not None:
                known |= not_null_when(branch.when.expression.node, False)
        self.derived[derivation.name] = whole if whole is not None else ANYTHING

    def branch(self, branch: Branch, known: Paths) -> Type:
        if branch.when is not None:
            self.condition(branch.when, known)
            known |= not_null_when(branch.when.expression.node, True)
        return self.value(branch.compute, known) if branch.compute is not None else type_of(branch.value)

    def audited(self) -> None:
        names = {part.name for part in self.document.sets}
        lists = [name for name, fact in vocabulary().facts.items() if fact.type == STRINGS]
        for name, fact, place in self.document.audit.sets if self.document.audit is not None else ():
            if name not in names:
                help = did_you_mean(name, names) or "name one of the policy's sets"
                self.problems.append(place.problem("unknown-set", f"unknown set `{name}`", help))
            if fact not in lists:
                help = did_you_mean(fact, lists) or "name a fact that is a list of text"
                self.problems.append(place.problem("unknown-fact", f"`{fact}` is no fact that lists text", help))

    def order_of_gates(self) -> None:
        gates = self.document.gates
        for gate in gates[:-1]:
            if gate.when is None:
                help = "make it the last, or give it a `when`"
                self.problems.append(gate.place.problem("unreachable", f"no gate after `{gate.id}` is reached", help))
        if gates and gates[-1].when is not None:
            help = "end with a gate that has `otherwise: true`"
            message = f"the last gate, `{gates[-1].id}`, may not fire, and then nothing decides"
            self.problems.append(gates[-1].place.problem("no-otherwise", message, help))
        if not gates:
            self.problems.append(self.document.place.problem("empty-list", "the policy has no gate", "add one"))


def _record(fields: dict[str, Type]) -> Type:
    return Type(frozenset({"object"}), fields=fields)
