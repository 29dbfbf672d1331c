"""rules/policy.schema.json and the reader agree: what the one refuses by its shape, the other refuses too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import PolicyError
from mlxk_rules.engine.rulefile.document_reader import read_document
from mlxk_rules.engine.rulefile.json_schema import schema_problems
from mlxk_rules.engine.rulefile.source import read
from mlxk_rules.engine.storage.data_files import FOLDER

from ...case_files import read_documents
from .test_document_reader import FILES, expected

HERE = Path(__file__).parent
SHAPE = {
    "wrong-type",
    "missing-key",
    "unknown-key",
    "bad-value",
    "bad-name",
    "empty-text",
    "empty-list",
    "no-otherwise",
    "unreachable",
    "duplicate-entry",
    "duplicate-gate",
    "bad-placeholder",
}
# What a JSON schema cannot say, or sees otherwise than the reader.
READER_ONLY = {
    "derive-no-otherwise": "that the last element is of another kind than the rest",
    "derive-otherwise-first": "the same",
    "extends-broken": "the problem is in the policy that is extended",
    "extends-add-there": "what the policy that is extended holds",
    "extends-after-last": "the same",
    "extends-remove-last": "the same",
    "gate-before": "that a key wants another at the top",
    "gate-remove": "the same",
    "set-changed-without-extends": "the same",
    "gates-empty": "the same: beside `extends` there may be none",
    "extends-both-sides": "left to the reader, which says which of the two to delete",
    "gate-duplicate": "that one property of two elements differs",
    "gate-no-otherwise": "what the last element is",
    "gate-otherwise-not-last": "the same",
    "gate-two-otherwise": "the same",
    "message-open": "what stands in braces in a text",
    "message-closed": "the same",
    "blank-expression": "a text of blanks is not empty for it",
    "derive-value-odd": "YAML's dates and infinities are text and numbers for it",
}
SHAPED = [file for file in FILES if (cases := expected(file)) and {case[0] for case in cases} <= SHAPE]


def by_the_schema(file: Path) -> list[Any]:
    return list(schema_problems(file, file.name))


@pytest.mark.parametrize("file", SHAPED, ids=[file.stem for file in SHAPED])
def test_the_schema_refuses_it_too(file: Path) -> None:
    problems = by_the_schema(file)
    if file.stem in READER_ONLY:
        assert not problems, "the schema finds it: take it off the list"
    else:
        assert problems
        assert all(problem.line >= 1 and problem.code == "schema" for problem in problems)


def test_the_list_is_short_and_true() -> None:
    assert set(READER_ONLY) <= {file.stem for file in SHAPED}


EXPRESSIONS = [file for file in FILES if (cases := expected(file)) and not {case[0] for case in cases} & SHAPE]


@pytest.mark.parametrize("file", EXPRESSIONS, ids=[file.stem for file in EXPRESSIONS])
def test_the_schema_has_no_opinion_on_the_rest(file: Path) -> None:
    """Where the shape is right, an editor must not underline it: the reader tells what is wrong."""
    try:
        problems = by_the_schema(file)
    except PolicyError:
        return  # no YAML
    assert len(problems) == (file.stem == "too-long"), "but for a length, which it can count"


@pytest.mark.parametrize("name", ["policy.yaml", "2.0.4.yaml"])
def test_shipped_policies_pass_both(name: str) -> None:
    assert read_document(read(FOLDER / name)).gates
    assert by_the_schema(FOLDER / name) == []


@pytest.mark.parametrize("case", sorted((HERE / "extends").glob("*.yaml")), ids=lambda file: file.stem)
def test_good_cases_pass_both(case: Path, tmp_path: Path) -> None:
    for part in read_documents(case):
        if part["file"] != "expected":
            file = tmp_path / "policy.yaml"
            file.write_text(part["text"])
            read_document(read(file))
            assert by_the_schema(file) == []
