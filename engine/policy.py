"""A policy, loaded and compiled: facts in, decision or trace out."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from .compiler.kept_programs import audit_of, store, stored
from .evaluator.exact import Evaluation
from .rulefile.policy_names import place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any

    from .compiler.kept_programs import Audit
    from .compiler.reads import Reads
    from .decision import Decision, Trace
    from .rulefile.checked import Checked
    from .rulefile.document import Document

_FEW = 100  # decisions the exact way before the fast one is made, which takes as long as 200


@contextmanager
def _uncollected() -> Generator[None]:
    """What a large policy is made of stays: the collector does not look through all of it again and again meanwhile."""
    was = gc.isenabled()  # the caller's own wish, or one such work within another
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Policy:
    """A policy that passed every check. Its methods never raise because of what the facts hold."""

    def __init__(self, checked: Checked) -> None:
        """Compile a checked document; `Policy.load` is the usual way here."""
        from .compiler.program_builder import assemble

        document = checked.document
        self._take(Evaluation(assemble(checked)), lambda: audit_of(document), lambda: document)

    def _take(
        self, evaluation: Evaluation, audit: Callable[[], Audit | None], document: Callable[[], Document]
    ) -> None:
        self.evaluation = evaluation
        self._audit, self._document, self._few = audit, document, 0
        program = evaluation.program
        self.name, self.version = program.name, program.version
        self.sets, self.limits, self.derived_types = program.sets, program.limits, program.types

    @classmethod
    @_uncollected()
    def load(cls, source: str | os.PathLike[str] | None = None) -> Policy:
        """Return the policy of a shipped version (`2.0.4`), of a path, or today's where `source` is None.

        Raises PolicyError, with every problem and its place, where it cannot be read or does not pass a check.
        """
        path, name = place(source)
        kept = stored(path, name)
        if kept is None:
            policy = cls(_checked(source))
            store(path, name, policy.document, policy.evaluation.program)
            return policy
        policy = cls.__new__(cls)
        program, audit = kept
        policy._take(Evaluation(program), lambda: audit, lambda: _checked(source).document)
        return policy

    @classmethod
    @_uncollected()
    def from_text(cls, text: str, name: str = "<text>") -> Policy:
        """Return the policy that stands in `text`; `name` stands for the file in messages. Raises PolicyError."""
        from .rulefile.checked import check
        from .rulefile.loading import document_of

        return cls(check(document_of(text, name)))

    @cached_property
    def document(self) -> Document:
        """The rule file as written, put together with what it extends."""
        return self._document()

    @cached_property
    def audit(self) -> Audit | None:
        """What the policy's audit part says, without its places; the document is not read for it."""
        return self._audit()

    def decide(self, facts: Mapping[str, Any]) -> Decision:
        """Return the decision for `facts`, as `probe` returns them.

        `facts["derived"]`, where it is there, holds derived facts to use in place of what the policy derives. A gate
        that cannot be evaluated blocks with error_type `policy_error` and is named.
        """
        self.__dict__["decide"] = self._decide  # from here on it is called without this detour
        return self._decide(facts)

    def decide_few(self, facts: Mapping[str, Any]) -> Decision:
        """Return what `decide` does, without making the fast way for a few decisions: that takes as long as 200."""
        if "_decide" in self.__dict__ or self._few >= _FEW:
            return self._decide(facts)
        self._few += 1
        return self.evaluation.decide(facts)

    def varied(self, facts: dict[str, Any], fact: str) -> Callable[[Any], tuple[str, str]]:
        """Return what tells decision and gate of `facts` with another value of one fact, given by its dotted name.

        What does not rest on that fact is evaluated once. A value is of the type that the fact has in `facts`.
        """
        return self.evaluation.varied(facts, fact, self.reads)

    @cached_property
    @_uncollected()
    def _decide(self) -> Callable[[Any], Decision]:
        evaluation = self.evaluation
        from .compiler.function.policy_writer import decider
        from .evaluator.compiled import function_of

        made = decider(evaluation.program)
        if made is None:  # a rule reads what only the exact way has
            return evaluation.decide
        return function_of(made, evaluation.program, evaluation.decide, evaluation.policy)

    def rests_on(self, gate: str | None, fact: str) -> bool:
        """Whether a decision by this gate rests on a fact, or on facts below it, which the gates up to it read.

        Of a gate that is not known, and of None, it is whether any gate reads it.
        """
        return self.reads.rests_on(gate, fact)

    @cached_property
    def reads(self) -> Reads:
        """Which facts its gates read."""
        from .compiler.reads import Reads  # where a kept answer is taken nobody asks

        return Reads(self.evaluation.program)

    def explain(self, facts: Mapping[str, Any], every: bool = False, terms: bool = True) -> Trace:
        """Return the same decision as `decide`, with every gate tried and the terms that made it fire or not.

        every: the gates behind the one that decided are tried too, for `Trace.behind`. terms: False leaves the terms
        out, which take most of the time, for whoever shows no more than what was decided, and of which facts.
        """
        from .evaluator.trace import trace  # only explain needs it

        return trace(self.evaluation, facts, every, terms)


def _checked(source: str | os.PathLike[str] | None) -> Checked:
    from .rulefile.checked import check
    from .rulefile.loading import load_document

    return check(load_document(source))
