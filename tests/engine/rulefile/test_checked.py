"""One problem is said once: what is sound beside it is still checked, and nothing is said that only follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlxk_rules.engine import Policy, PolicyError, Problem
from mlxk_rules.engine.rulefile.source import read
from mlxk_rules.engine.rulefile.yaml_tree import Node, compose
from mlxk_rules.engine.storage.data_files import FOLDER

pytestmark = pytest.mark.slow

SOURCE = read(FOLDER / "2.0.4.yaml")
MARK = "model.typ == 'x'"
LAST = f"\n  - id: sound\n    when: {MARK}\n    decide: allow\n    backend: mlx_lm\n"


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as caught:
        Policy.from_text(text)
    return caught.value.problems


def values(node: Node) -> Iterator[Node]:
    words = [value for value in node.elements if value.kind == "string"]  # of many, the first and the last are enough
    for value in (*(value for _, value in node.items), *(value for value in node.elements if value not in words[1:-1])):
        yield value
        yield from values(value)


def without(node: Node, by: str) -> str:
    """Return the shipped policy with one value replaced."""
    text = SOURCE.text
    begin = text.rfind("\n", 0, node.end) + 1
    whole_lines = node.kind in ("mapping", "sequence") and text[node.start] not in "[{"
    rest = (
        f"\n{text[begin:]}"
        if whole_lines
        else f"\n{text[node.end :]}"
        if text[node.start] in "|>"
        else text[node.end :]
    )
    return text[: node.start] + by + rest


VALUES = list(values(compose(SOURCE)))


@pytest.mark.parametrize("by", ["!broken x", "{odd: 1}"])
def test_one_broken_value_is_one_problem(by: str) -> None:
    """Whatever value of the shipped policy is a tag or of the wrong type, every problem is at that value."""
    for node in VALUES:
        if by == "{odd: 1}" and node.kind == "mapping":
            continue  # of the right type
        line = SOURCE.text.count("\n", 0, node.start) + 1
        column = node.start - SOURCE.text.rfind("\n", 0, node.start)
        found = problems_of(without(node, by))
        assert {problem.line for problem in found} == {line}, f"{SOURCE.name}:{line}:{column}"
        assert len(found) == 1 or by != "!broken x"


def test_what_is_sound_is_checked_all_the_same() -> None:
    """A wrong name in a sound gate is found, whatever else is broken."""
    (gates,) = (value for key, value in compose(SOURCE).items if key.value == "gates")
    last = gates.elements[-1].start
    at = SOURCE.text.rfind("\n", 0, last) + 1
    for node in VALUES:
        if node.end >= at or node is gates or node.start >= gates.start:
            continue
        text = without(node, "!broken x")
        begin = len(text) - (len(SOURCE.text) - at)
        found = problems_of(f"{text[: begin - 1]}{LAST}{text[begin:]}")
        assert [problem.code for problem in found if MARK in problem.text] == ["unknown-fact"]


@pytest.mark.parametrize(
    ("broken", "codes"),
    [
        ("sets: [1]\n", ["wrong-type"]),
        ("set:\n  kinds: [a]\n", ["unknown-key"]),
        ("sets:\nkinds: [a]\n", ["wrong-type", "unknown-key"]),
        ("sets:\n  kinds: a\n", ["wrong-type"]),
        ("sets:\n  Kinds: [a]\n", ["bad-name", "unknown-set"]),
        ("sets: {}\nsets:\n  kinds: [a]\n", ["duplicate-key"]),
        ("sets: {}\n", ["unknown-set"]),
    ],
)
def test_a_set_that_is_not_sound(broken: str, codes: list[str]) -> None:
    text = (
        f"schema: 1\nname: x\nversion: 1.0.0\n{broken}gates:\n"
        "  - {id: a, when: 'contains(sets.kinds, model.type)', decide: allow, backend: mlx_lm}\n"
        "  - {id: b, otherwise: true, decide: allow, backend: mlx_lm}\n"
    )
    assert [problem.code for problem in problems_of(text)] == codes
