"""What holds for any text, any facts and any well-typed expression. Seeded, so that a run is like the next one."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlxk_rules.engine import Decision, Policy, PolicyError
from mlxk_rules.engine.facts.vocabulary import vocabulary
from mlxk_rules.engine.language.expression import ExpressionError, parse
from mlxk_rules.engine.language.interpreter import interpret
from mlxk_rules.engine.rulefile.source import decode

from .helpers import GOOD, policy_text, with_facts

pytestmark = pytest.mark.slow

RULES = Path(__file__).parents[2] / "rules"
SHIPPED = {name: (RULES / name).read_text("utf-8") for name in ("policy.yaml", "2.0.4.yaml")}
POLICIES = {None: Policy.load(), "2.0.4": Policy.load("2.0.4")}
UNREADABLE = {"no-file", "unreadable-file", "file-too-large", "extends-too-deep"}

SEEDED = settings(
    derandomize=True, deadline=None, database=None, max_examples=150, suppress_health_check=list(HealthCheck)
)
FEW = settings(SEEDED, max_examples=60)


def loads_or_says_why(text: str) -> None:
    try:
        Policy.from_text(text, "case.yaml")
    except PolicyError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.file, problem
            assert problem.line >= 1 or problem.code in UNREADABLE, problem
            assert problem.message and problem.help, problem


# --- any rule file

LINES = st.sampled_from(sorted({line for text in SHIPPED.values() for line in text.split("\n")}, key=repr))
CHARACTERS = st.sampled_from("`'\"!@#&*|>%{}[]:,-?~\t\r\n\0\x85\u2028\ufeff é0a. ()=<")


@SEEDED
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    loads_or_says_why(text)


@SEEDED
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    try:
        source = decode(data, "case.yaml")
    except PolicyError as error:
        assert [problem.code for problem in error.problems] == ["not-utf-8"]
        assert all(problem.file and problem.line >= 1 for problem in error.problems)
        return
    loads_or_says_why(source.text)


@SEEDED
@given(st.lists(st.one_of(LINES, st.text("ab:- []{}'\"\n!&*", max_size=12)), max_size=12))
def test_any_lines(lines: list[str]) -> None:
    loads_or_says_why("\n".join(["schema: 1", "name: case", "version: 1.0.0", *lines]))


# The shipped policies are long: most of a case's time is their 1,600 lines. The gates of the one and the whole of the
# other are edited.
SHORT = SHIPPED["2.0.4.yaml"]


@FEW
@given(st.sampled_from(sorted(SHIPPED)), st.data())
def test_any_edited_line(name: str, data: st.DataObject) -> None:
    lines = SHIPPED[name].split("\n")
    number = data.draw(st.integers(0, len(lines) - 1))
    edit = data.draw(st.sampled_from(["delete", "double", "insert", "replace", "indent", "swap"]))
    if edit == "delete":
        del lines[number]
    elif edit == "double":
        lines.insert(number, lines[number])
    elif edit == "insert":
        lines.insert(number, data.draw(LINES))
    elif edit == "replace":
        lines[number] = data.draw(LINES)
    elif edit == "indent":
        lines[number] = " " * data.draw(st.integers(0, 8)) + lines[number].lstrip()
    else:
        lines[number - 1], lines[number] = lines[number], lines[number - 1]
    loads_or_says_why("\n".join(lines))


@SEEDED
@given(st.integers(0, len(SHORT) - 1), st.sampled_from(["delete", "insert", "replace", "double", "cut"]), CHARACTERS)
def test_any_edited_character(position: int, edit: str, character: str) -> None:
    before, at, after = SHORT[:position], SHORT[position], SHORT[position + 1 :]
    loads_or_says_why(
        {
            "delete": before + after,
            "insert": before + character + at + after,
            "replace": before + character + after,
            "double": before + at + at + after,
            "cut": before,
        }[edit]
    )


@SEEDED
@given(st.text("ab.!&|()[]{}?*@`'\"=<>, \\01\n:-é", max_size=60))
def test_any_expression(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)
        assert error.problem.message and error.problem.help


# --- any facts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
PATHS = st.sampled_from([*vocabulary().facts, "model", "request", "runtime", "runtime.mlx_lm", "memory", "derived"])
ODD = st.one_of(
    JSON, st.sampled_from([[], {}, "", 0, 10**400, 1e308, -1, [[]], [None] * 9, "\0\x1b[31m\u202e", "9" * 999])
)


def decides(facts: Any) -> list[Decision]:
    found: list[Decision] = []
    before = deepcopy(facts)
    for policy in POLICIES.values():
        decision = policy.decide(facts)
        trace = policy.explain(facts)
        assert trace.decision == decision
        json.dumps(trace.to_dict(), allow_nan=False)
        json.dumps(decision.to_dict(), allow_nan=False)
        assert decision.decision in ("allow", "warn", "block")
        assert decision.error_type is not None or decision.allowed
        assert not trace.gates or trace.gates[-1].id == decision.gate
        found.append(decision)
    assert facts == before, "facts are not changed"
    return found


@SEEDED
@given(JSON)
def test_any_json_as_facts(facts: Any) -> None:
    assert all(not decision.allowed for decision in decides(facts))


@SEEDED
@given(st.dictionaries(PATHS.map(lambda path: path.split(".")[0]), JSON, max_size=6))
def test_any_json_under_the_right_names(facts: dict[str, Any]) -> None:
    decides(facts)


def changed(facts: dict[str, Any], path: str, value: Any, delete: bool) -> dict[str, Any]:
    result = deepcopy(facts)
    *parents, last = path.split(".")
    place: Any = result
    for parent in parents:
        place = place.get(parent) if isinstance(place, dict) else None
    if isinstance(place, dict):
        if delete:
            place.pop(last, None)
        else:
            place[last] = value
    return result


@SEEDED
@given(st.lists(st.tuples(PATHS, ODD, st.booleans()), min_size=1, max_size=3))
def test_any_mutation_of_good_facts(changes: list[tuple[str, Any, bool]]) -> None:
    facts = GOOD
    for path, value, delete in changes:
        facts = changed(facts, path, value, delete)
    decides(facts)


VARIED: dict[str, list[Any]] = {
    "request.context_tokens": [256, 40_000, 1 << 20],
    "memory.total_bytes": [1, 1001, 8_000_000_000],
    "model.type": ["llama", "whisper", "nobody-knows"],
    "request.images": [True, False],
    "config.num_hidden_layers": [1, 80],
}


@SEEDED
@given(st.sampled_from(sorted(VARIED)), st.lists(st.tuples(PATHS, ODD, st.booleans()), max_size=2))
def test_another_value_of_one_fact(fact: str, changes: list[tuple[str, Any, bool]]) -> None:
    facts = GOOD
    for path, value, delete in changes:
        facts = changed(facts, path, value, delete)
    if not isinstance(facts.get(fact.split(".")[0]), dict):
        return
    for policy in POLICIES.values():
        varied = policy.varied(changed(facts, fact, VARIED[fact][0], False), fact)
        for value in VARIED[fact]:
            decision = policy.decide(changed(facts, fact, value, False))
            assert varied(value) == (decision.decision, decision.gate)


# Facts that each policy blocks: what would make them allowed is not to be had by harming a fact.
BLOCKED: list[dict[str, Any]] = [
    with_facts({"config_status": "missing", "config": None}),
    with_facts({"request.images": True}),
    with_facts({"request.audio": True}),
    with_facts({"model.type": "whisper", "request.images": True}),
    with_facts({"runtime.mlx_lm.installed": False}),
    with_facts({"model.type": "qwen2_vl", "request.images": True, "runtime.mlx_vlm.installed": False}),
    with_facts({"model.type": "llava", "request.images": True, "memory.total_bytes": 1001}),
    with_facts({"model.type": "nobody-knows"}),
]


@SEEDED
@given(st.sampled_from(BLOCKED), PATHS, ODD, st.booleans())
def test_a_harmed_fact_never_allows(facts: dict[str, Any], path: str, value: Any, delete: bool) -> None:
    harmed = changed(facts, path, value, delete)
    _, faults = vocabulary().complete(harmed)
    unharmed_faults = vocabulary().complete(facts)[1]
    for policy in POLICIES.values():
        before, after = policy.decide(facts), policy.decide(harmed)
        if before.allowed or not after.allowed:
            continue
        # It may allow where the harm is none: the fact has a default or may be null, and then it is another request.
        assert not (set(faults) - set(unharmed_faults)), (before, after, faults)


# --- any well-typed expression

TEXT = st.sampled_from(
    [
        "model.name",
        "model.path",
        "'llama'",
        "'x'",
        "text(config.a)",
        "(model.type || '')",
        "request.context",
        "join('-', model.files)",
        "to_string(config)",
        "size(model.size_bytes)",
        '`"y"`',
    ]
)
MAYBE_TEXT = st.one_of(
    TEXT, st.sampled_from(["model.type", "runtime.mlx_lm.version", "readme.library_name", "lower(model.type)"])
)
NUMBERS = st.sampled_from(
    [
        "model.size_bytes",
        "`0`",
        "`1`",
        "`2.5`",
        "limits.share",
        "limits.whole",
        "length(model.name)",
        "(memory.total_bytes || `0`)",
        "sum(runtime.python)",
        "length(model.files)",
        "abs(`-1`)",
    ]
)
ANY = st.one_of(
    MAYBE_TEXT,
    NUMBERS,
    st.sampled_from(
        [
            "config.a",
            "config.a.b",
            "config",
            "preprocessor",
            "`null`",
            "`[]`",
            "`{}`",
            "`true`",
            "`false`",
            "model.files",
            "model.files[0]",
            "config.list[?truthy(a)]",
            "config.*",
            "problems",
        ]
    ),
)
LISTS = st.sampled_from(
    [
        "sets.kinds",
        "model.files",
        "readme.tags",
        "runtime.mlx_lm.model_types",
        "glob(model.files, '**/*.json')",
        "model.files[?ends_with(@, 'json')]",
        '`["a"]`',
        "`[]`",
        "sort(model.files)",
    ]
)


def _conditions() -> st.SearchStrategy[str]:
    def call(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*arguments).map(lambda given: f"{name}({', '.join(given)})")

    def compare(
        one: st.SearchStrategy[str], operators: list[str], other: st.SearchStrategy[str]
    ) -> st.SearchStrategy[str]:
        return st.tuples(one, st.sampled_from(operators), other).map(" ".join)

    atoms = st.one_of(
        st.sampled_from(["request.images", "request.audio", "derived.early", "runtime.mlx_lm.installed", "`true`"]),
        compare(MAYBE_TEXT, ["==", "!="], st.one_of(TEXT, st.just("`null`"))),
        compare(ANY, ["==", "!="], ANY),
        compare(NUMBERS, ["<", "<=", ">", ">=", "==", "!="], NUMBERS),
        call("contains", LISTS, ANY),
        call("contains", TEXT, TEXT),
        call("starts_with", TEXT, TEXT),
        call("has_any", MAYBE_TEXT, LISTS),
        call("shares", ANY, LISTS),
        call("any_ends_with", ANY, LISTS),
        call("truthy", ANY),
        call("has_text", ANY),
        call("has_key", ANY, TEXT),
        call("at_least", ANY, st.sampled_from(["'1.0'", "'0.32.1rc1'", "'3.11'"])),
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            inner.map("!({})".format),
            st.tuples(inner, st.sampled_from([" && ", " || "]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
            st.tuples(inner, inner).map(lambda t: f"({t[0]}) == ({t[1]})"),
        ),
        max_leaves=5,
    )


HARMLESS = st.fixed_dictionaries(
    {},
    optional={
        "model.type": st.sampled_from([None, "llama", "LLAMA", "", "x"]),
        "model.name": st.sampled_from(["", "llama", "org/x", "é"]),
        "model.files": st.sampled_from([[], ["a.json"], ["config.json", "b/c.json"]]),
        "model.size_bytes": st.sampled_from([0, 1, 10**12]),
        "memory.total_bytes": st.sampled_from([None, 0, 1, 8 * 1024**3]),
        "config": st.one_of(st.none(), st.dictionaries(st.sampled_from(["a", "list", "x"]), JSON, max_size=3)),
        "runtime.mlx_lm.version": st.sampled_from([None, "0.32.2", "1.0rc1", "odd"]),
        "request.images": st.booleans(),
    },
)


@settings(SEEDED, max_examples=200)
@given(_conditions(), HARMLESS)
def test_compiled_is_interpreted(condition: str, changes: dict[str, Any]) -> None:
    facts = with_facts(changes)
    try:
        policy = Policy.from_text(policy_text(compute=condition, when=condition))
    except PolicyError as error:
        assert {problem.code for problem in error.problems} <= {
            "never-equal",
            "both-null",
            "type-mismatch",
            "maybe-null",
        }
        return
    trace = policy.explain(facts)
    scope = {**trace.facts, "sets": policy.sets, "limits": policy.limits, "derived": trace.derived}
    value = interpret(parse(condition).node, scope)
    assert type(value) is bool, "a condition that passes the type check is true or false"
    assert trace.derived["value"] is value
    assert trace.decision.allowed is not value
    assert trace.decision.error_type != "policy_error"
    assert policy.decide(facts) == trace.decision


@settings(SEEDED, max_examples=100)
@given(ANY, HARMLESS)
def test_compiled_value_is_interpreted_value(expression: str, changes: dict[str, Any]) -> None:
    policy = Policy.from_text(policy_text(compute=expression))
    trace = policy.explain(with_facts(changes))
    scope = {**trace.facts, "sets": policy.sets, "limits": policy.limits, "derived": trace.derived}
    assert repr(trace.derived["value"]) == repr(interpret(parse(expression).node, scope))
