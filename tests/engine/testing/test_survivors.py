"""Mutants that are noticed by cases whose facts do not hold the word, and coverage of two files of one name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlxk_rules.engine.cli.command_line import main

POLICY = """schema: 1
name: tiny
version: 1.0.0
sets: {words: [WORDS]}
gates:
  - id: asked
    when: CONDITION
    decide: block
    error: refused
    message: refused
  - {id: rest, otherwise: true, decide: allow, backend: mlx_lm}
"""
# Functions that make the word: the facts of the case hold none of it.
MADE = [
    ("array, object", "contains(sets.words, type(config.k))", "config.k: [1]", "array"),
    ("1.2, 2.2", "contains(sets.words, join('.', [to_string(config.n), '2']))", "config.n: 1", "1.2"),
    ("12, 13", "contains(sets.words, to_string(model.size_bytes))", "model.size_bytes: 12", "12"),
    ("ammall, x", "has_any(reverse((model.type || 'none')), sets.words)", "model.type: llamma", "ammall"),
    ("1.0 KB, x", "contains(sets.words, size(model.size_bytes))", "model.size_bytes: 1024", "1.0 KB"),
]


@pytest.mark.parametrize(("words", "condition", "facts", "word"), MADE, ids=[row[1] for row in MADE])
def test_an_entry_that_a_function_makes_is_noticed(
    words: str, condition: str, facts: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quoted = ", ".join(f'"{one}"' for one in words.split(", "))
    (tmp_path / "p.yaml").write_text(POLICY.replace("WORDS", quoted).replace("CONDITION", json.dumps(condition)))
    case = f"cases:\n  - name: blocked\n    facts: {{{facts}}}\n    expect: {{decision: block}}\n"
    (tmp_path / "p.tests.yaml").write_text(case)
    main(["test", str(tmp_path / "p.yaml"), "--mutate", "--json"])
    survivors = json.loads(capsys.readouterr().out)["mutation"]["survivors"]
    assert f"sets.words/without {word}" not in [one["id"] for one in survivors]


@pytest.mark.slow
def test_an_overlay_that_is_called_as_the_shipped_file_covers_its_own_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "policy.yaml").write_text(
        "schema: 1\nname: mine\nversion: 1.0.0\nextends: today\ngates:\n  - id: mine\n    before: text\n"
        "    when: request.context == 'server'\n    decide: block\n    error: refused\n    message: refused\n"
    )
    (rules / "policy.tests.yaml").write_text(
        "cases:\n  - name: it\n    facts: {request.context: server}\n    expect: {gate: mine}\n"
    )
    monkeypatch.chdir(tmp_path)
    shown = {}
    for name in ("rules/policy.yaml", "./rules/policy.yaml", str(rules / "policy.yaml")):
        main(["test", name, "--json"])
        found = json.loads(capsys.readouterr().out)["coverage"]
        shown[name] = (found["gates"], found["terms"], found["branches"])
    assert len({str(one) for one in shown.values()}) == 1, shown
    assert shown["rules/policy.yaml"][0][1] == 2  # its one gate: it fires, and does not
    main(["policy", "rules/policy.yaml"])
    assert "mlxk_rules/rules/policy.yaml" in capsys.readouterr().out
