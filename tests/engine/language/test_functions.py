"""Expressions: their values, compiled and interpreted; their types; JMESPath's own compliance cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import jmespath
import pytest
from jmespath import exceptions
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.compiler.expression_code import Compiler
from mlxk_rules.engine.facts.vocabulary import vocabulary
from mlxk_rules.engine.language.expression import MAX_DEPTH, ExpressionError, parse
from mlxk_rules.engine.language.functions import FUNCTIONS
from mlxk_rules.engine.language.interpreter import interpret

from ...case_files import cases
from ..helpers import policy_text, with_facts

HERE = Path(__file__).parent
CASES: dict[str, list[list[Any]]] = cases(__file__, "expressions.yaml")
COMPLIANCE = sorted((HERE / "compliance").glob("*.json"))


def compiled(expression: str, facts: dict[str, Any]) -> Any:
    return Policy.from_text(policy_text(compute=expression)).explain(facts).derived["value"]


def interpreted(expression: str, facts: dict[str, Any]) -> Any:
    policy = Policy.from_text(policy_text())
    derived = policy.explain(facts).derived
    scope = {**vocabulary().complete(facts)[0], "sets": policy.sets, "limits": policy.limits, "derived": derived}
    return interpret(parse(expression).node, scope)


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize("row", CASES["values"], ids=[str(row[0]) for row in CASES["values"]])
def test_value(row: list[Any]) -> None:
    expression, value, changes = (*row, {})[:3]
    facts = with_facts(changes)
    assert same(compiled(expression, facts), value)
    assert same(interpreted(expression, facts), value)


@pytest.mark.parametrize("row", CASES["problems"], ids=[str(row[0]) for row in CASES["problems"]])
def test_problem(row: list[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(policy_text(compute=row[0]))
    assert row[1] in [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("row", CASES["conditions"], ids=[str(row[0]) for row in CASES["conditions"]])
def test_condition(row: list[str]) -> None:
    Policy.from_text(policy_text(compute=row[0]))
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(policy_text(when=row[0]))
    assert [problem.code for problem in caught.value.problems] == [row[1]]


def test_every_function_has_a_row() -> None:
    text = " ".join(str(row[0]) for row in CASES["values"])
    assert [name for name in FUNCTIONS if f"{name}(" not in text] == ["min_by"]


@pytest.mark.parametrize(
    ("opening", "inner", "closing"),
    [
        ("!(", "request.images", ")"),
        ("to_string(", "model.type", ")"),
        ("[", "model.type", "]"),
        ("{a: ", "model.type", "}"),
        ("(model.name || ", "'x'", ")"),
        ("to_string(model.type == ", "model.type", ")"),
        ("", "model.name", " == 'x' && request.images"),
        ("model.files[?", "@ == 'x'", "]"),
        ("not_null(`1`, ", "model.type", ")"),
    ],
)
def test_nested_as_deep_as_may_be(opening: str, inner: str, closing: str) -> None:
    """What parses compiles too: Python's own parser has limits that a policy must not meet."""
    for depth in (MAX_DEPTH // 4, MAX_DEPTH // 2 - 1, MAX_DEPTH - 2, MAX_DEPTH * 2):
        try:
            policy = Policy.from_text(policy_text(compute=opening * depth + inner + closing * depth))
        except PolicyError as error:
            assert {p.code for p in error.problems} <= {
                "expression-too-deep",
                "not-boolean",
                "no-fields",
                "never-equal",
                "both-null",
                "expression-syntax",
            }
        else:
            policy.decide(with_facts({}))


# --- the official cases


def compliance(kind: str) -> list[Any]:
    found: list[Any] = []
    for file in COMPLIANCE:
        for suite in json.loads(file.read_text("utf-8")):
            for number, case in enumerate(suite["cases"]):
                if kind in case:
                    name = f"{file.stem} {number} {case['expression'][:40]}"
                    found.append(pytest.param(suite["given"], case["expression"], case[kind], id=name))
    return found


def free(expression: str) -> Any:
    """Return the compiled function of an expression over any JSON value, where no type check vouches for anything."""
    compiler = Compiler({}, None)
    compiler.add(parse(expression).node)
    return compiler.finish()[0]


def bare(node: Any) -> Any:
    """Return a syntax tree with nothing but what jmespath's own has."""
    if isinstance(node, dict):
        return {key: bare(node[key]) for key in ("type", "value", "children") if key in node}
    return [bare(child) for child in node] if isinstance(node, list) else node


@pytest.mark.parametrize(("given", "expression", "result"), compliance("result"))
def test_compliance(given: Any, expression: str, result: Any) -> None:
    try:
        expected = cast("Any", jmespath.compile(expression))
    except exceptions.JMESPathError:
        pytest.skip("jmespath does not parse it either")
    try:
        tree = parse(expression)
    except ExpressionError as error:
        # Two refusals of our own: a literal that is not JSON, and what is longer or deeper than any rule.
        assert error.problem.code in ("literal-not-json", "expression-too-long", "expression-too-deep")
        return
    assert bare(tree.node) == bare(expected.parsed)
    assert same(interpret(tree.node, given), result)
    assert same(free(expression)(given), result)


@pytest.mark.parametrize(("given", "expression", "error"), compliance("error"))
def test_compliance_error(given: Any, expression: str, error: str) -> None:
    try:
        parsed = cast("Any", jmespath.compile(expression))
    except exceptions.JMESPathError:
        parsed = None
    if parsed is None:
        with pytest.raises(ExpressionError) as caught:
            parse(expression)
        assert 0 <= caught.value.offset <= len(expression)
        return
    try:
        tree = parse(expression)
    except ExpressionError as refused:
        assert refused.problem.code == "literal-not-json"
        return
    assert bare(tree.node) == bare(parsed.parsed)
    if error != "syntax":  # what jmespath does not tell from its parser, it raises when it runs
        with pytest.raises((exceptions.JMESPathError, TypeError, ValueError)):
            interpret(tree.node, given)
        with pytest.raises((exceptions.JMESPathError, TypeError, ValueError)):
            free(expression)(given)


def test_every_node_knows_its_place() -> None:
    for row in CASES["values"]:
        expression = parse(str(row[0]))
        level = [expression.node]
        while level:
            for node in level:
                assert 0 <= node["start"] < node["end"] <= len(expression.text), (row[0], node)
            level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
