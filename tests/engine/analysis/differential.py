"""Random policies over every function and operator of the language, held to every case of a few facts.

`python -m tests.engine.analysis.differential 600` does so for ten minutes, and says how much it tried.
"""

from __future__ import annotations

import copy
import itertools
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import yaml
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary, put
from mlxk_rules.engine.analysis.changes.survey import survey
from mlxk_rules.engine.analysis.difference import Evidence, complete, difference, outcome
from mlxk_rules.engine.analysis.findings import findings
from mlxk_rules.engine.analysis.outputs import words_of
from mlxk_rules.engine.analysis.version_bump import bump
from mlxk_rules.engine.decision import Decision
from mlxk_rules.engine.facts.vocabulary import ABSENT
from mlxk_rules.engine.language.interpreter import interpret

from ...case_files import cases

MAX_CASES = 160  # of one policy
CACHE = {"fixed_bytes": 1, "parts": [{"bytes_per_token": 2, "step_tokens": 2, "max_tokens": 6}]}
PROMPT = {"fixed_bytes": 1, "bytes_per_token": 2, "bytes_per_pair": 0}
FACTS: dict[str, list[Any]] = {
    "model.type": [None, "", "a", "b", "ab", "A", "xa", " "],
    "model.name": ["", "a", "ab", "B", "a/b"],
    "model.files": [[], ["a"], ["b"], ["a", "b/a"], ["ab"], ["xa"], ["a.x", "b"], ["b", "a", "a.x"]],
    "model.size_bytes": [0, 1, 2, 3, 8, 123, 1024, 10**20],
    "memory.total_bytes": [None, 0, 1, 4, 8, 1000],
    "request.images": [False, True],
    "request.audio": [False, True],
    "request.context": ["cli", "server"],
    "request.context_tokens": [None, 0, 1, 1.5, 2, -1, 7],
    "config.k": [
        *(ABSENT, None, True, False, 0, 1, 2.5, "", "a", "ab", "7", [], ["a"], ["b", "a"], [1], ["0", "31"]),
        *({}, {"x": 1}, {"x": "a"}, {"x": True, "y": False}, [["a"], ["b"]], [{"x": "a"}], [2, 1]),
    ],
    "runtime.mlx_lm.version": [None, "", "0.30", "0.31", "0.31.2", "0.32", "1.0rc1", "odd"],
    "runtime.python": [[3, 11, 0], [3, 11, 9], [3, 12, 0], [3, 9, 1]],
    "runtime.mlx_vlm.model_types": [[], ["a"], ["b"], ["ab"], ["a", "b"], ["A"], ["xa"]],
    "problems": [{}, {"a": "x"}, {"a": "x", "b": "y"}],
    "dry_run.mlx_lm.cache": [None, CACHE, {"fixed_bytes": 9, "parts": []}],
    "dry_run.mlx_lm.prompt": [None, PROMPT, {**PROMPT, "bytes_per_pair": 3}],
}
# By function, operator or form, conditions that use it.
CONDITIONS: dict[str, list[str]] = cases(__file__, "conditions.yaml")
ENDS: list[dict[str, Any]] = [
    {"decide": "allow", "backend": "mlx_lm"},
    {"decide": "allow", "backend": "mlx_vlm"},
    {"decide": "warn", "backend": "mlx_lm", "message": "careful {{ model.name }}"},
    {"decide": "block", "error": "no", "http": 400, "message": "no"},
    {"decide": "block", "error": "nor", "http": 501, "message": "nor {{ limits.low }}"},
]


class Tried(NamedTuple):
    """How much was tried: policies, cases of facts, and claims of the analysis that were held to them."""

    policies: int = 0
    cases: int = 0
    claims: int = 0


class Sample:
    """A policy and a change of it, over the facts that few conditions ask about."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.first = list(CONDITIONS)[seed % len(CONDITIONS)]  # so that every one has its turn
        while True:
            self.names = self._near()
            self.conditions = [text for name in self.names for text in CONDITIONS[name]]
            self.paths = [path for path in FACTS if any(path in text for text in self.conditions)]
            self.one = self._policy()
            self.other = self._changed(self.one)
            with suppress(PolicyError):
                self.old, self.new = (
                    Policy.from_text(yaml.safe_dump(p, sort_keys=False)) for p in (self.one, self.other)
                )
                return

    def _near(self) -> list[str]:
        # Mostly of one fact, so that what is asked of it meets.
        text = self.random.choice(CONDITIONS[self.first])
        path = self.random.choice([path for path in FACTS if path in text] or list(FACTS))
        about = [name for name, texts in CONDITIONS.items() if any(path in text for text in texts)]
        return [self.first, *self.random.sample(about, min(3, len(about)))]

    def _condition(self, derived: list[str], depth: int = 2) -> str:
        dice = self.random.random()
        if depth == 0 or dice < 0.35:
            return f"({self.random.choice([*self.conditions, *derived, 'request.images'])})"
        if dice < 0.5:
            return f"!({self._condition(derived, depth - 1)})"
        operator = self.random.choice(["&&", "&&", "||"])
        return f"({self._condition(derived, depth - 1)} {operator} {self._condition(derived, depth - 1)})"

    def _policy(self) -> dict[str, Any]:
        words = self.random.sample(["a", "b", "ab", "xa", "A", "array"], 5)
        derived: list[str] = []
        derive: dict[str, Any] = {}
        if self.random.random() < 0.6:
            derive["flag"] = {"compute": self._condition(derived, 1)}
            derived.append("derived.flag")
        if self.random.random() < 0.6:
            branches = [{"when": self._condition(derived, 1), "value": word} for word in ("v", "w")]
            derive["word"] = [*branches, {"otherwise": self.random.choice(["v", None])}]
            derived += ["derived.word == 'v'", "derived.word != 'w'"]
        gates = [
            {"id": f"g{n}", "when": self._condition(derived), **self.random.choice(ENDS)}
            for n in range(self.random.randrange(1, 4))
        ]
        gates[0]["when"] = f"({self.random.choice(CONDITIONS[self.first])}) && {gates[0]['when']}"
        return {
            **{"schema": 1, "name": "tiny", "version": "1.0.0"},
            "sets": {"one": words[:2], "two": words[2:]},
            "limits": {"low": self.random.choice([1, 2.5]), "high": self.random.choice([3, 4]), "share": 0.123},
            **({"derive": derive} if derive else {}),
            "gates": [*gates, {"id": "last", "otherwise": True, **ENDS[0]}],
        }

    def _changed(self, policy: dict[str, Any]) -> dict[str, Any]:
        other = copy.deepcopy(policy)
        gate = self.random.choice(other["gates"][:-1])
        kind = self.random.choice(["when", "twice", "entry", "limit", "end", "order"])
        if kind == "when":
            gate["when"] = f"{gate['when']} && {self._condition([], 1)}"
        elif kind == "twice":
            gate["when"] = f"({gate['when']}) && ({gate['when']})"
        elif kind == "entry":
            other["sets"][self.random.choice(["one", "two"])].pop()
        elif kind == "limit":
            other["limits"][self.random.choice(["low", "high"])] += 1
        elif kind == "end":
            for key in ("decide", "backend", "error", "http", "message"):
                gate.pop(key, None)
            gate.update(self.random.choice(ENDS))
        else:
            other["sets"]["one"].reverse()
        return other

    def cases(self, most: int = MAX_CASES) -> Iterator[dict[str, Any]]:
        """Yield the facts of every case, or of as many as there is time for."""
        values = [FACTS[path] for path in self.paths]
        every = list(itertools.islice(itertools.product(*values), 20_000))
        whole = ordinary()
        for chosen in self.random.sample(every, min(most, len(every))):
            facts = whole
            for path, value in zip(self.paths, chosen, strict=True):
                facts = put(facts, path, value if value is ABSENT else copy.deepcopy(value))
            yield facts


def interpreted(policy: Policy, given: Mapping[str, Any]) -> str | None:
    """Return the gate that decides by jmespath's own interpreter; None where a condition cannot be evaluated."""
    scope = {
        **policy.evaluation.vocabulary.complete(given)[0],
        "sets": policy.sets,
        "limits": policy.limits,
        "derived": {},
    }
    try:
        for part in policy.document.derive:
            for branch in part.branches:
                if branch.when is None or interpret(branch.when.expression.node, scope) is True:
                    found = branch.value if branch.compute is None else interpret(branch.compute.expression.node, scope)
                    scope["derived"][part.name] = found
                    break
        for gate in policy.document.gates:
            if gate.when is None or interpret(gate.when.expression.node, scope) is True:
                return gate.id
    except Exception:
        return None
    raise AssertionError("the last gate always fires")


def held(seed: int, most: int = MAX_CASES) -> Tried:
    """Hold one sample to all its cases. Raises AssertionError where two ways differ, or what is proved is not so."""
    sample = Sample(seed)
    old, new = sample.old, sample.new
    cases = list(sample.cases(most))
    pairs: set[tuple[Any, Any]] = set()
    fired: set[str | None] = set()
    said: list[Any] = []
    branches: set[tuple[str, int | None]] = set()
    words = {gate.id: words_of(gate) for gate in old.document.gates}
    decided: list[tuple[Decision, Decision]] = []
    for facts in cases:
        decided.append((old.decide(facts), new.decide(facts)))
        for policy, decision in zip((old, new), decided[-1], strict=True):
            trace = policy.explain(facts)
            assert decision == trace.decision == policy.evaluation.decide(facts), (seed, facts)
            assert decision == policy.decide({**facts, "derived": {}}), (seed, facts)
            wanted = interpreted(policy, facts)
            assert (decision.error_type == "policy_error") == (wanted is None), (seed, facts, decision)
            assert wanted in (None, decision.gate), (seed, facts, decision)
        one, other = decided[-1]
        said.append(None if one.error_type == "policy_error" else words[str(one.gate)])
        if "policy_error" not in (one.error_type, other.error_type):
            fired.add(one.gate)
            if outcome(one) != outcome(other):
                pairs.add((one.gate, other.gate))
            scope, _ = old.evaluation.scope(facts)
            branches |= {(part.name, old.evaluation.branch_of(part.name, scope)) for part in old.document.derive}
    claims = _differences(sample, pairs) + _edits(sample, cases, decided)
    return Tried(2, len(cases), claims + _findings(sample, cases, said, fired, branches))


def _differences(sample: Sample, pairs: set[tuple[Any, Any]]) -> int:
    found = difference(sample.old, sample.new)
    told = {(change.old.id, change.new.id) for change in found.changes}
    assert not found.complete or pairs <= told, (sample.one, sample.other, pairs - told)
    for change in found.changes:
        if change.witness is not None:
            before, after = (policy.decide(change.witness.facts) for policy in (sample.old, sample.new))
            assert (before.gate, after.gate) == (change.old.id, change.new.id)
            assert outcome(before) != outcome(after)
    return 1


def _edits(sample: Sample, cases: list[Any], decided: list[tuple[Decision, Decision]]) -> int:
    """Hold what `diff` says to the cases: what is shown is so, and what is neither shown nor possible never happens."""
    found = survey(sample.old, sample.new)
    seen: dict[tuple[Any, Any], Any] = {}
    for facts, (one, other) in zip(cases, decided, strict=True):
        if outcome(one) != outcome(other) and "policy_error" not in (one.error_type, other.error_type):
            seen[outcome(one), outcome(other)] = facts
    for one in found.shown:
        before, after = (outcome(policy.decide(one.witness.facts)) for policy in (sample.old, sample.new))
        assert (before, after) == (one.before, one.after), (sample.one, sample.other)
    told = {(one.before, one.after) for one in found.shown} | set(found.possible)
    if complete(found.doubts, told, ()):
        assert set(seen) <= told, (sample.one, sample.other, set(seen) - told)
        assert not seen or found.same is not True
    rise = bump(found)
    by_cases = found.with_evidence(Evidence(*kind, facts) for kind, facts in seen.items())
    assert not rise.sure or bump(by_cases).level == rise.level, (sample.one, sample.other)
    return 1


def _findings(
    sample: Sample, cases: list[Any], said: list[Any], fired: set[str | None], branches: set[tuple[str, int | None]]
) -> int:
    proved = [f for f in findings(sample.old) if f.exact]
    for finding in proved:
        code, message = finding.problem.code, finding.problem.message
        name = message.split("`")[1]
        if code == "gate-never-fires":
            assert name not in fired, (sample.one, message)
        elif code == "dead-branch":
            of = message.split("`")[1]
            assert (of, int(message.split()[1]) - 1) not in branches, (sample.one, message)
        elif code == "dead-entry":
            less = copy.deepcopy(sample.one)
            less["sets"][message.split("`")[3]].remove(name)
            assert _said(less, cases) == said, (sample.one, message)
        elif code == "order-free":
            swapped = copy.deepcopy(sample.one)
            first = next(n for n, gate in enumerate(swapped["gates"]) if gate["id"] == name)
            swapped["gates"][first : first + 2] = swapped["gates"][first : first + 2][::-1]
            assert _said(swapped, cases) == said, (sample.one, message)
    return len(proved)


def _said(policy: dict[str, Any], cases: list[Any]) -> list[Any]:
    rules = Policy.from_text(yaml.safe_dump(policy, sort_keys=False))
    words = {gate.id: words_of(gate) for gate in rules.document.gates}
    decisions = [rules.decide(facts) for facts in cases]
    return [None if one.error_type == "policy_error" else words[str(one.gate)] for one in decisions]


def main(seconds: float, first: int) -> None:
    """Hold sample after sample for so many seconds; print how much was tried."""
    ends, whole, seed = time.monotonic() + seconds, Tried(), first
    while time.monotonic() < ends:
        whole = Tried(*map(sum, zip(whole, held(seed), strict=True)))
        seed += 1
    tried = f"{whole.policies} policies, {whole.cases} cases of facts, {whole.claims} claims"
    print(f"seeds {first} to {seed - 1}: {tried}: no difference")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000)
