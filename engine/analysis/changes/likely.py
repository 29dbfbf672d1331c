"""Facts at which an edit is likely to be seen: ordinary models, those of a policy's own cases, and what is edited.

They are tried, and prove nothing where nothing shows; what they show is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from ...facts.vocabulary import vocabulary
from ...facts.wording import GIB, LIBRARIES
from ...policy import Policy
from ..cases.ordinary_model import ordinary, put, value_at
from .edits import Edit, looked_up_in

Facts = dict[str, Any]
MAX_WORDS = 40  # of one edit of a set that are tried
MAX_EDITS = 12  # of which each is looked at for itself
MAX_CASES = 24  # facts of cases from which numbers are moved, of one edit
_REQUESTS = ((False, False), (True, False), (False, True), (True, True))
_STEPS = [2 ** (step / 6) for step in range(-36, 37)]  # what a number is multiplied by: a sixty-fourth to 64 times
_NUMBERS = {"bytes": 4 * GIB, "tokens": 4096}  # where there is none to begin with


def likely(old: Policy, new: Policy, edits: Iterable[Edit], known: Sequence[Facts]) -> Iterator[Facts]:
    """Yield facts to try, ordinary ones first. known: facts of the policies' cases, whole."""
    bases = list(_ordinary())
    yield from bases
    yield from known
    edits = [edit for edit in edits if edit.decides]
    few = len(edits) <= MAX_EDITS
    for edit in edits:
        if edit.entries:
            paths = _looked_up((old, new), edit.name)
            for word, base in product(edit.entries[: MAX_WORDS if few else 1], bases):
                yield from _with_word(base, paths, word)
        elif edit.kind == "limit" or (few and edit.kind in ("derived", "gate-changed")):
            gates, numbers = _compared((old, new), edit)
            near = [facts for facts in known if gates & {old.decide(facts).gate, new.decide(facts).gate}]
            for base in [*bases, *near[:MAX_CASES]]:
                yield from _with_numbers(base, numbers)


def _ordinary() -> Iterator[Facts]:
    """Yield an ordinary model's facts for each request, each once more with its backends as they are seldom."""
    usual = ordinary()
    for images, audio in _REQUESTS:
        facts = put(put(usual, "request.images", images), "request.audio", audio)
        yield facts
        yield put(facts, "request.context", "server")


def _looked_up(policies: Iterable[Policy], name: str) -> list[str]:
    """Return the facts that a set may be asked about, those behind derived facts too."""
    found: dict[str, None] = {}
    for policy in policies:
        for paths in looked_up_in(policy.document, name):
            for path in sorted(paths):
                found |= dict.fromkeys(sorted(policy.reads.behind(frozenset({path}))))
    return list(found)


def _with_word(base: Facts, paths: Iterable[str], word: str) -> Iterator[Facts]:
    for path in paths:
        fact = vocabulary().facts.get(path)
        if fact is not None and "array" in fact.type.kinds:
            held = value_at(base, path)
            held = held if isinstance(held, list) else []
            if fact.type.item is not None and "string" in fact.type.item.kinds:
                yield put(base, path, held if word in held else [*held, word])
        elif fact is None or ("string" in fact.type.kinds and fact.type.values is None):
            facts = put(base, path, word)
            if path in ("model.type", "config.model_type"):
                facts = put(put(facts, "model.type", word), "config.model_type", word)
            yield facts
            for library in LIBRARIES:
                yield put(facts, f"runtime.{library}.installed", False)


def _compared(policies: Iterable[Policy], edit: Edit) -> tuple[set[str], list[str]]:
    """Return the gates for which an edit counts, and the numbers that these read."""
    gates: set[str] = set()
    found: dict[str, None] = {}
    for policy in policies:
        reads = policy.reads
        for gate in policy.evaluation.program.gates:
            paths = reads.of(gate.id)
            below = reads.behind(frozenset({f"derived.{edit.name}"})) if edit.kind == "derived" else frozenset()
            if gate.id == edit.name or f"limits.{edit.name}" in paths or (below and below <= paths):
                gates.add(gate.id)
                found |= dict.fromkeys(sorted(paths))
    facts = vocabulary().facts
    return gates, [path for path in found if path in facts and facts[path].unit in _NUMBERS]


def _with_numbers(base: Facts, paths: Sequence[str]) -> Iterator[Facts]:
    held = {path: value for path in paths if isinstance(value := value_at(base, path), int) and value > 0}
    for path in sorted(paths, key=lambda path: path not in held):  # first what the model has: of two alike that is told
        size = held.get(path) or _NUMBERS[vocabulary().facts[path].unit]
        for step in _STEPS:
            yield put(base, path, round(size * step))


def request_of(facts: Mapping[str, Any]) -> str:
    """Return what a request carries: text, images, audio, or images+audio."""
    asked = facts.get("request")
    wanted = [key for key in ("images", "audio") if isinstance(asked, dict) and asked.get(key) is True]
    return "+".join(wanted) or "text"
