"""Type-checks a whole policy: every expression against the facts, sets, limits and what was derived before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ..facts.types import ANYTHING, NUMBER, STRING, STRINGS, Type, type_of
from ..facts.vocabulary import vocabulary
from ..language.expression import Node
from ..language.fact_paths import path_of
from ..language.not_null import NOTHING, Paths, not_null_when
from ..language.type_check import Checker
from ..language.type_findings import Finding
from ..problems import PolicyError, Problem, Problems, did_you_mean
from .document import Branch, Derivation, Document, Gate, Located, Observed


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy document that passed every check, and the types of its derived facts."""

    document: Document
    derived: dict[str, Type]


def check(document: Document, sound: Checked | None = None) -> Checked:
    """Return the document with the types of its derived facts.

    sound: what this document is a changed copy of; the parts that both share are not checked again.
    Raises PolicyError with every problem found: expressions, references, messages, the order of the gates.
    """
    checker = _PolicyChecker(document, sound)
    checker.run()
    if checker.problems:
        raise PolicyError(checker.problems)
    return Checked(_apart(document), checker.derived)


def _apart(document: Document) -> Document:
    """Return the document with the gates that are observed apart from those that decide."""
    deciding: list[Gate] = []
    observed: list[Observed] = []
    for gate in document.gates:
        if gate.observe:
            observed.append(Observed(gate, len(deciding)))
        else:
            deciding.append(gate)
    return document.changed(gates=tuple(deciding), observed=tuple(observed)) if observed else document


def problems_of(document: Document) -> tuple[Problem, ...]:
    """Return what is wrong with the sound parts of a document whose other parts are not, none of it a follow-up."""
    checker = _PolicyChecker(document)
    try:
        checker.run()
    except PolicyError as error:  # too many
        return error.problems
    return tuple(checker.problems)


class _PolicyChecker:
    def __init__(self, document: Document, sound: Checked | None = None) -> None:
        self.document = document
        self.sound = sound if sound is not None and _names(sound.document) == _names(document) else None
        self.problems = Problems()
        self.doubtful = set(document.doubtful)  # and what the check itself finds to have no sure type
        self.derived: dict[str, Type] = {}
        self.facts = vocabulary().tree.fields or {}
        self.sets = _record({part.name: STRINGS for part in document.sets})
        self.limits = _record({part.name: NUMBER for part in document.limits})
        self.scope = self._scope()  # of all that an expression may name now

    def _scope(self) -> Type:
        own = {"sets": self.sets, "limits": self.limits, "derived": _record(self.derived)}
        return _record({**self.facts, **own})

    def run(self) -> None:
        shared = _parts(self.sound.document) if self.sound is not None else frozenset[int]()
        for derivation in self.document.derive:
            was = self.sound.derived[derivation.name] if self.sound is not None else None
            if was is not None and id(derivation) in shared:
                self.derived[derivation.name] = was
                self.scope = self._scope()
                continue
            self.derivation(derivation)
            # Parts that are shared are sound as long as all that they may read is of the same type, as surely.
            if was is not None and repr(was) != repr(self.derived[derivation.name]):
                self.sound = None
        for gate in self.document.gates:
            if self.sound is None or id(gate) not in shared:
                self.gate(gate)
        if "gates" not in self.doubtful:
            self.order_of_gates()
        self.audited()
        if self.document.base is not None:
            self.changed_types(self.document.base)

    def changed_types(self, base: Document) -> None:
        """Say of problems in the policy extended, which is sound by itself, which change of this one they come of."""
        own = self.document.place.source
        abroad = [problem for problem in self.problems if problem.file != own.name]
        if not abroad:
            return
        before = _PolicyChecker(base)
        before.run()
        told: list[Problem] = []
        for part in self.document.derive:
            was, now = before.derived.get(part.name), self.derived[part.name]
            if part.place.source is own and was is not None and (was != now or was.values != now.values):
                message = f"`derived.{part.name}` is {now} here, and {was} in the policy extended, which relies on that"
                help = f"give it values of the type {was}; {abroad[0].place} reads it"
                told.append(part.place.problem("changed-type", message, help))
        if told:
            self.problems = Problems([problem for problem in self.problems if problem.file == own.name] + told)

    def gate(self, gate: Gate) -> None:
        if gate.when is not None:
            self.condition(gate.when, NOTHING)
        elif not gate.sound:
            self.names_in_message(gate)
            return
        known = not_null_when(gate.when.expression.node, True) if gate.when is not None else NOTHING
        for part in gate.message.parts if gate.message is not None else ():
            if isinstance(part, Located):
                self.placeholder(part, known)

    def names_in_message(self, gate: Gate) -> None:
        """Check only which names a message has: what its gate's condition proves of them is not known."""
        for part in gate.message.parts if gate.message is not None else ():
            if isinstance(part, Located):
                findings = Checker(part.expression, self.scope).value()[1]
                self._keep(part, [finding for finding in findings if finding.problem.code.startswith("unknown-")])

    def condition(self, located: Located, known: Paths) -> None:
        self._keep(located, Checker(located.expression, self.scope).condition(known))

    def value(self, located: Located, known: Paths) -> tuple[Type, bool]:
        """Return the type of an expression, and whether that is sure."""
        kind, findings = Checker(located.expression, self.scope).value(known)
        return kind, not self._keep(located, findings)

    def _keep(self, located: Located, findings: list[Finding]) -> bool:
        """Take up the findings that do not follow from what is doubtful; return whether there is either."""
        doubts = list(_reads(located.expression.node, self.doubtful)) if self.doubtful else []
        for finding in findings:
            if not any(_overlap(finding.node, doubt) for doubt in doubts):
                self.problems.append(self._placed(located, finding))
        return bool(findings or doubts)

    def _placed(self, located: Located, finding: Finding) -> Problem:
        problem = located.problem(finding)
        if problem.code == "unknown-derived":
            name = str(finding.node["value"])
            if any(part.name == name for part in self.document.derive):
                # Read before it is there: of its own derivation, or of one further down.
                return problem._replace(help=f"`derived.{name}` can only be read below its own derivation")
        return problem

    def placeholder(self, located: Located, known: Paths) -> None:
        kind, sure = self.value(located, known)
        if sure and not kind.anything and kind.kinds & {"object", "array"}:
            text = located.expression.text.strip()
            help = f"say what of it: `join(', ', {text})`" if kind.item == STRING else "name a part of it that is text"
            problem = Problem("not-text", f"`{text}` is {kind}, which a message cannot hold", help)
            self.problems.append(located.at(problem, 0, len(located.expression.text)))

    def derivation(self, derivation: Derivation) -> None:
        known = NOTHING  # what the branches before this one, by not matching, prove
        whole: Type | None = None
        for branch in derivation.branches:
            if not branch.sound and branch.when is None:
                break  # the branches below may build on what it proves by not matching
            kind, sure = self.branch(branch, known)
            if not sure:
                self.doubtful.add(f"derived.{derivation.name}")
            whole = kind if whole is None else whole.union(kind)
            if branch.when is not None:
                known |= not_null_when(branch.when.expression.node, False)
        self.derived[derivation.name] = whole if whole is not None else ANYTHING
        self.scope = self._scope()

    def branch(self, branch: Branch, known: Paths) -> tuple[Type, bool]:
        if branch.when is not None:
            self.condition(branch.when, known)
            known |= not_null_when(branch.when.expression.node, True)
        return self.value(branch.compute, known) if branch.compute is not None else (type_of(branch.value), True)

    def audited(self) -> None:
        names = {part.name for part in self.document.sets}
        lists = [name for name, fact in vocabulary().facts.items() if fact.type == STRINGS]
        for name, fact, place in self.document.audit.sets if self.document.audit is not None else ():
            if name not in names and not self.doubtful & {"sets", f"sets.{name}"}:
                help = did_you_mean(name, names) or "name one of the policy's sets"
                self.problems.append(place.problem("unknown-set", f"unknown set `{name}`", help))
            if fact not in lists:
                help = did_you_mean(fact, lists) or "name a fact that is a list of text"
                self.problems.append(place.problem("unknown-fact", f"`{fact}` is no fact that lists text", help))

    def order_of_gates(self) -> None:
        gates = [gate for gate in self.document.gates if not gate.observe]
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


def _parts(document: Document) -> frozenset[int]:
    return frozenset(map(id, (*document.derive, *document.gates, *(part.gate for part in document.observed))))


def _names(document: Document) -> list[list[str]]:
    return [[part.name for part in parts] for parts in (document.sets, document.limits, document.derive)]


def _reads(node: Node, names: Collection[str]) -> Iterator[Node]:
    """Yield the parts of an expression that read one of `names`, or what is in it."""
    path = path_of(node)
    if path is None:
        for child in node.get("children", ()):
            if isinstance(child, dict):
                yield from _reads(child, names)
    elif any(f"{path}.".startswith(f"{name}.") for name in names):
        yield node


def _overlap(one: Node, other: Node) -> bool:
    return one["start"] < other["end"] and other["start"] < one["end"]


def _record(fields: dict[str, Type]) -> Type:
    return Type(frozenset({"object"}), fields=fields)
