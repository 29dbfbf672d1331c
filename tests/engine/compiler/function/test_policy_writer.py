"""The generated function against the exact way: facts whole, changed, left out, and derived facts that are given."""

from __future__ import annotations

import builtins
import dis
from copy import deepcopy
from itertools import product
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxk_rules.engine import Policy
from mlxk_rules.engine.compiler.function.partial_facts import lenient_decider
from mlxk_rules.engine.compiler.function.policy_writer import decider
from mlxk_rules.engine.decision import Decision
from mlxk_rules.engine.evaluator.compiled import _names, function_of
from mlxk_rules.engine.facts.vocabulary import vocabulary
from mlxk_rules.loaders import probe

from ....bench.data import folder_facts
from ...helpers import GOOD

pytestmark = pytest.mark.slow

POLICIES = {name: Policy.load(name) for name in ("2.0.4", None)}
TABLES = Policy.load(Path(__file__).parent / "tables.yaml")
SOUND = range(17)  # GOOD, and of some folders: they are made where they are wanted, not to list the tests
HELLO = Path(__file__).parents[3] / "models" / "hello"
NAMES = list(vocabulary().facts)
LEAVES = [None, True, False, 0, 1, -1, 10**400, 0.5, "", "x", "a b", " a", "llama", "LLAVA", "ok", "MLX", [], {}, [1]]
LEAVES += [
    ["model.safetensors", "a\nb"],
    ["weights.0.safetensors", "sub/processor_config.json"],
    ["x"] * 9,
    ["x"] * 8 + [1],
]
LEAVES += [{"model_type": "qwen2", "audio_config": {}}, {"auto_map": {}}, [3, 9, 18], [3, 12, 1], [3, True, 1], [3]]
LEAVES += [
    [3, 1000, 0],
    [4, 0, 0],
    [4, -1, 0],
    [3, 10, -1],
    [3, 10, 1000],
    [2, 99, 9],
    [1000, 0, 0],
    [3, 10],
    [3, 11, 0, 1],
]


def same(policy: Policy, facts: Any) -> None:
    exact = policy.evaluation.decide(facts)
    assert policy.decide(facts) == exact
    assert policy.explain(facts).decision == exact


def put(facts: dict[str, Any], path: str, value: Any, delete: bool) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        facts = facts.setdefault(parent, {})
        if not isinstance(facts, dict):
            return
    if delete:
        facts.pop(last, None)
    else:
        facts[last] = value


CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(LEAVES), st.booleans()), max_size=4)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.sampled_from(list(POLICIES.values())), st.sampled_from(SOUND), CHANGES, st.data())
def test_any_facts(policy: Policy, sound: int, changes: list[tuple[str, Any, bool]], data: Any) -> None:
    facts = deepcopy([GOOD, *folder_facts()[::23]][sound])
    for path, value, delete in changes:
        put(facts, path, value, delete)
    if data.draw(st.booleans()):
        names = st.sampled_from([*policy.derived_types, "nobody"])
        facts["derived"] = data.draw(st.dictionaries(names, st.sampled_from(LEAVES), max_size=4))
    same(policy, facts)


def global_names(code: CodeType) -> set[str]:
    """The names that code looks up outside of itself."""
    found = {str(step.argval) for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return found.union(*(global_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


@pytest.mark.parametrize("policy", [*POLICIES.values(), TABLES], ids=["2.0.4", "today", "tables"])
def test_generated_code_names_nothing_that_is_not_there(policy: Policy) -> None:
    # What it lacked would be a NameError, for which the exact way decides: rightly, a hundred times slower, unnoticed.
    program, evaluation = policy.evaluation.program, policy.evaluation
    code, more = decider(program), lenient_decider(program)
    assert code is not None and more is not None
    for made, others in ((code, {"_given": None}), more):
        names = _names(made, evaluation.decide, evaluation.policy, **others)
        assert global_names(names["decide"].__code__) - names.keys() - vars(builtins).keys() == set()
        for name, value in names.items():
            if callable(value) and getattr(value, "__globals__", None) is names:
                assert global_names(value.__code__) - names.keys() - vars(builtins).keys() == set(), name


@pytest.mark.parametrize("policy", POLICIES.values(), ids=["2.0.4", "today"])
@pytest.mark.parametrize("number", range(0, 352, 61))
def test_every_derived_fact_given_in_turn(policy: Policy, number: int) -> None:
    facts = folder_facts()[number]
    derived = policy.explain(facts).derived
    for name, value in derived.items():
        for other in (value, None, True, False, "MLX", 0.9, "odd"):
            same(policy, {**facts, "derived": {name: other}})
    same(policy, {**facts, "derived": derived})


def test_nothing_of_sound_facts_is_left_to_the_exact_way() -> None:
    left: list[Any] = []

    def exact(facts: Any) -> Decision:
        left.append(facts)
        return policy.evaluation.decide(facts)

    for policy in POLICIES.values():
        written = decider(policy.evaluation.program)
        assert written is not None
        decide = function_of(written, policy.evaluation.program, exact, policy.evaluation.policy)
        for facts in (probe(HELLO, dry_run=False), GOOD, *folder_facts()[::3]):
            decide(facts)
            decide({**facts, "derived": policy.explain(facts).derived})
            decide({name: part for name, part in facts.items() if name not in ("readme", "sidecars", "adapter_config")})
    assert left == []


WORDS = ["alpha", "beta", "gamma", "delta", "m1", "m2", "m3", "none", None, "ALPHA"]


def test_tables() -> None:
    left: list[Any] = []
    written = decider(TABLES.evaluation.program)
    assert written is not None
    fast = function_of(written, TABLES.evaluation.program, left.append, TABLES.evaluation.policy)
    flags = (False, True)
    for kind, name, images, audio, size in product(WORDS, ("org/a", "org/b", "x", "m 3"), flags, flags, (1, 3)):
        facts = deepcopy(GOOD)
        facts["model"] |= {"type": kind, "name": name, "size_bytes": size}
        facts["request"] |= {"images": images, "audio": audio}
        same(TABLES, facts)
        assert fast(facts) == TABLES.decide(facts), (facts["model"], facts["request"])
    assert left == []


def test_a_table_asked_with_odd_words() -> None:
    for name in ("", " m 3", "a\nb"):
        same(TABLES, {**GOOD, "model": {**GOOD["model"], "type": "m1", "name": name}})


def test_a_kept_policy_is_of_the_rules_that_were_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "rules.yaml"
    text = (Path(__file__).parent / "tables.yaml").read_text("utf-8")
    other = text.replace("error: unknown", "error: another")

    def error(policy: Policy) -> str | None:
        return policy.decide({**GOOD, "model": {**GOOD["model"], "type": "none"}}).error_type

    file.write_text(text, "utf-8")
    assert error(Policy.load(file)) == "unknown"
    assert len(list(tmp_path.glob("cache/mlxk-rules/programs/*.program"))) == 1
    early = Policy.load(file)  # from what is kept, and asked after the file is another
    file.write_text(other, "utf-8")
    assert error(Policy.load(file)) == "another"
    assert error(early) == "unknown"
    assert error(Policy.load(file)) == "another"


VERSIONS = """
schema: 1
name: versions
version: 1.0.0
gates:
  - id: three
    when: request.images && at_least(runtime.python, '3.10.2')
    decide: allow
    backend: mlx_lm
  - id: two
    when: request.audio && at_least(runtime.python, '3.10')
    decide: allow
    backend: mlx_lm
  - id: one
    when: "!(request.audio) && !(request.images) && at_least(runtime.python, '3')"
    decide: allow
    backend: mlx_lm
  - id: rest
    otherwise: true
    decide: allow
    backend: mlx_lm
"""


def test_versions_of_three_numbers() -> None:
    policy = Policy.from_text(VERSIONS)
    numbers = (-1, 0, 2, 3, 4, 9, 10, 11, 999, 1000, 10**6)
    for version in product((-1, 0, 2, 3, 4, 999, 1000), numbers, numbers):
        for images, audio in ((True, False), (False, True), (False, False)):
            facts = deepcopy(GOOD)
            facts["runtime"]["python"] = list(version)
            facts["request"] |= {"images": images, "audio": audio}
            assert policy.decide(facts) == policy.evaluation.decide(facts), version
