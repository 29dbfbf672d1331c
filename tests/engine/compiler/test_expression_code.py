"""Compiled expressions against jmespath's interpreter: any expression over any JSON value, values and errors both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlxk_rules.engine.compiler.expression_code import Compiler
from mlxk_rules.engine.language.expression import ExpressionError, parse
from mlxk_rules.engine.language.functions import FUNCTIONS
from mlxk_rules.engine.language.interpreter import interpret

pytestmark = pytest.mark.slow

NAMES = ["a", "b", "list", "text", "n", '"odd name"']
ATOMS = [
    *NAMES,
    "@",
    "'a'",
    "''",
    "'10'",
    "'nan'",
    "`0`",
    "`1`",
    "`2.5`",
    "`true`",
    "`false`",
    "`null`",
    "`[]`",
    "`{}`",
]
ATOMS += [
    "`[1, true, null, [2]]`",
    '`["a", "b"]`',
    "`1e999`",
    "*",
    "[*]",
    "[]",
    "[0]",
    "[-1]",
    "[1:]",
    "[::-1]",
    "list[]",
]
ORDERS = ["==", "!=", "<", "<=", ">", ">="]


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def together(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda given: form.format(*given))

    steps = st.sampled_from([*NAMES, "*", "[*]", "[]", "[0]", "[-2]", "[1:2]", "[::0]", "[?a]", "[?@ > `1`]", "[?!n]"])
    counts = {name: len(function.takes) + function.variadic for name, function in FUNCTIONS.items()}
    calls = [
        together(f"{name}({', '.join(['{}'] * count)})", *[inner] * count)
        for name, count in counts.items()
        if name not in ("map", "sort_by", "min_by", "max_by")
    ]
    return st.one_of(
        together("{}.{}", inner, st.sampled_from([*NAMES, "*", "[a, @]", "{{x: a, y: @}}", "length(@)"])),
        st.tuples(inner, steps).map(lambda t: f"{t[0]}{t[1]}" if t[1].startswith("[") else f"{t[0]}.{t[1]}"),
        together("({} {} {})", inner, st.sampled_from([*ORDERS, "&&", "||", "|"]), inner),
        together("!({})", inner),
        together("[{}, {}]", inner, inner),
        together("{{x: {}, y: {}}}", inner, inner),
        together("({})[?{}].{}", inner, inner, st.sampled_from(["a", "[a, b]", "*", "length(@)"])),
        together("map(&{}, {})", inner, inner),
        together("{}({}, &{})", st.sampled_from(["sort_by", "min_by", "max_by"]), inner, inner),
        st.one_of(calls),
    )


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), _grown, max_leaves=6)
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([0.0, 1.0, 2.5, 1e308, "a", "b", "", "10"])
)
VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["a", "b", "list", "text", "n"]), inner)
    ),
    max_leaves=12,
)


def outcome(run: Any, value: Any) -> tuple[str, str]:
    try:
        return "value", repr(run(value))
    except Exception as error:
        return type(error).__name__, str(error)


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS, VALUES)
@example("a == `1`", {"a": True})
@example("!n", {"n": 0})
@example("!n", {"n": 0.0})
@example("n || a", {"n": 0, "a": 1})
@example("list[?@ > `1`] | [0]", {"list": ["x", 2]})
@example("abs(product(list))", {"list": ["x"]})
@example("product(list)", {"list": ["x", 3]})
@example("sum(list) > `1`", {"list": [1e308, 1e308]})
@example("abs(`1e999`) > `1`", {})
def test_any_expression_over_any_value(text: str, value: Any) -> None:
    try:
        node = parse(text).node
    except ExpressionError:
        return
    compiler = Compiler({}, None)
    compiler.add(node)
    (compiled,) = compiler.finish()
    assert outcome(compiled, value) == outcome(lambda given: interpret(node, given), value)
