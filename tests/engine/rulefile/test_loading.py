"""What loading does once and not for each gate: it must be as if it were done for each."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.language.expression import parse
from mlxk_rules.engine.rulefile.source import Source, source_of
from mlxk_rules.engine.rulefile.yaml_tree import compose


@given(st.text("ab\n", max_size=30), st.integers(-2, 32))
def test_a_line_is_the_number_of_line_ends_before_it(text: str, index: int) -> None:
    source = Source("x", text)
    at = max(0, min(index, len(text)))
    problem = source.problem("code", "message", "help", index)
    assert problem.line == text.count("\n", 0, at) + 1
    assert problem.text == text.split("\n")[problem.line - 1]
    assert problem.column == at - (text.rfind("\n", 0, at) + 1) + 1
    assert source.line_of(at) == problem.line


def test_a_plain_scalar_and_a_quoted_one_are_told_apart() -> None:
    root = compose(source_of("[12, '12', 12, \"12\", yes, 'yes', ~, '~', 1.5, 1.5]", "x"))
    assert root.plain() == [12, "12", 12, "12", True, "yes", None, "~", 1.5, 1.5]
    assert [node.written for node in root.elements[:4]] == ["12"] * 4


def test_equal_expressions_have_trees_of_their_own() -> None:
    one, other = parse("[model.name, `[1]`]"), parse("[model.name, `[1]`]")
    assert one == other
    one.node["children"][0]["kinds"] = one.node["children"][0]["children"][0]["kinds"] = "changed"
    assert one != other
    assert parse("[model.name, `[1]`]") == other


_GATE = "  - {{id: {id}, when: {when}, decide: block, error: e, http: 501, message: '{message}'}}\n"
_LAST = "  - {id: last, otherwise: true, decide: allow, backend: mlx_lm}\n"


def _policy(*gates: tuple[str, str]) -> str:
    written = "".join(_GATE.format(id=f"g{n}", when=when, message=text) for n, (when, text) in enumerate(gates))
    return f"schema: 1\nname: x\nversion: 1.0.0\ngates:\n{written}{_LAST}"


def test_an_expression_is_assembled_once_for_all_that_is_known_alike() -> None:
    said = "{{ lower(model.type) }}"
    maybe, sure = "request.audio", "model.type != `null`"
    program = Policy.from_text(_policy((maybe, said), (sure, said), (maybe, said), (sure, said))).evaluation.program
    parts = [gate.message[1] for gate in program.gates if gate.message is not None]
    assert parts[0] == parts[2] and parts[1] == parts[3]
    texts = [expression.text for expression in program.expressions]
    assert texts.count(" lower(model.type) ") == 2  # null here, and not there
    assert parts[0] != parts[1]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was(enabled: bool) -> None:
    try:
        _ = gc.enable() if enabled else gc.disable()
        Policy.from_text(_policy(("request.audio", "no")))
        assert gc.isenabled() is enabled
        with pytest.raises(PolicyError):
            Policy.from_text(_policy(("no.such.fact", "no")))
        with pytest.raises(PolicyError):
            Policy.from_text("[")
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
