"""What fires is never proved not to fire: conditions of every form, each with facts for which its gate decides."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary, put
from mlxk_rules.engine.analysis.cases.text_kinds import Question, kinds
from mlxk_rules.engine.analysis.difference import difference
from mlxk_rules.engine.analysis.findings import findings
from mlxk_rules.engine.language.function_code import path_matcher

TEXT = """schema: 1
name: tiny
version: 1.0.0
sets: {words: [mistral, mixtral], ends: [.gguf, .bin]}
limits: {gb: 4, share: 0.123, huge: HUGE}
derive:
  files: {compute: "glob(model.files, '*.gguf')"}
gates:
  - id: asked
    when: >-
      CONDITION
    decide: block
    error: refused
    message: refused
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
GB = 1024**3
FIRES: list[tuple[str, dict[str, Any]]] = [
    (
        "any_ends_with(model.files, ['.gguf']) && !contains(model.files, 'config.json')",
        {"model.files": ["model.gguf"]},
    ),
    ("contains(['mistral', 'mixtral'], model.type)", {"model.type": "mixtral"}),
    ("contains(sets.words[1:], model.type)", {"model.type": "mixtral"}),
    ("model.type != `null` && model.type == sets.words[0]", {"model.type": "mistral"}),
    ("contains('a mixtral', (model.type || 'no'))", {"model.type": "mixtral"}),
    ("model.size_bytes > product([limits.gb, `1073741824`])", {"model.size_bytes": 5 * GB}),
    ("model.size_bytes > sum([limits.gb, `12`])", {"model.size_bytes": 17}),
    ("(ratio(model.size_bytes, limits.gb) || `0`) > `3.5`", {"model.size_bytes": 15}),
    ("(ratio(model.size_bytes, `1000`) || `0`) == `3.5`", {"model.size_bytes": 3500}),
    (
        "at_least(runtime.mlx_lm.version, '0.31') && starts_with((runtime.mlx_lm.version || ''), '0.31.')",
        {"runtime.mlx_lm.version": "0.31.2"},
    ),
    (
        "at_least(runtime.mlx_lm.version, '0.31') && !(at_least(runtime.mlx_lm.version, '0.32'))"
        " && runtime.mlx_lm.version != '0.31'",
        {"runtime.mlx_lm.version": "0.31.2"},
    ),
    (
        "at_least(runtime.python, '3.11') && runtime.python != `[3, 11, 0]` && !(at_least(runtime.python, '3.12'))",
        {"runtime.python": [3, 11, 9]},
    ),
    ("not_null(model.type, 'none') == 'gpt2'", {"model.type": "gpt2"}),
    ("not_null(model.type, 'none') == 'none'", {"model.type": None}),
    ("length(problems) > `1`", {"problems": {"a": "x", "b": "y"}}),
    ("length(model.files) > `1`", {"model.files": ["a", "b"]}),
    ("length(model.name) == `7`", {"model.name": "seven77"}),
    ("length(model.name) < `3` && model.name != ''", {"model.name": "ab"}),
    ("size(model.size_bytes) == '8.0 KB'", {"model.size_bytes": 8192}),
    ("percent(ratio(model.size_bytes, memory.total_bytes)) == '70%'",
     {"model.size_bytes": 7, "memory.total_bytes": 10}),
    ("contains(glob(model.files, '*.json'), 'a.json')", {"model.files": ["a.json"]}),
    ("contains(derived.files, 'a.gguf')", {"model.files": ["a.gguf"]}),
    ("derived.files[0] == 'a.gguf'", {"model.files": ["a.gguf"]}),
    ("text(config.x[0]) == 'a'", {"config": {"x": ["a"]}}),
    ("length(keys((config || `{}`))) > `3`", {"config": {"a": 1, "b": 1, "c": 1, "d": 1}}),
    ("contains(model.files[1:], 'x')", {"model.files": ["a", "x"]}),
    (
        "length(glob(model.files, '**/name')) > `0` && !contains(model.files, 'name')"
        " && !(any_ends_with(model.files, `[\"x/name\"]`))",
        {"model.files": ["a/name"]},
    ),
    (
        "(ratio(model.size_bytes, memory.total_bytes) || `0`) >= limits.share"
        " && (ratio(model.size_bytes, memory.total_bytes) || `0`) <= limits.share",
        {"model.size_bytes": 123, "memory.total_bytes": 1000},
    ),
    (
        "memory.total_bytes != `null` && model.size_bytes > memory.total_bytes"
        " && (ratio(model.size_bytes, memory.total_bytes) || `0`) < `2`",
        {"model.size_bytes": 15, "memory.total_bytes": 10},
    ),
    (
        "contains(runtime.mlx_vlm.model_types, 'b') && model.type == 'ab'"
        " && any_ends_with(runtime.mlx_vlm.model_types, ['b']) && !contains(runtime.mlx_vlm.model_types, model.type)",
        {"runtime.mlx_vlm.model_types": ["b"], "model.type": "ab"},
    ),
    (
        "shares(runtime.mlx_vlm.model_types, ['b', 'ab']) && model.type == 'ab'"
        " && !contains(runtime.mlx_vlm.model_types, model.type)",
        {"runtime.mlx_vlm.model_types": ["b"], "model.type": "ab"},
    ),
    ("model.size_bytes > `9007199254740992` && model.size_bytes < `9007199254740994`", {"model.size_bytes": 2**53 + 1}),
    ("model.size_bytes >= limits.huge", {"model.size_bytes": 10**400}),
    ("shares(config.k, ['a']) && shares(config.k, ['b']) && config.k != `[\"a\", \"b\"]`",
     {"config": {"k": ["b", "a"]}}),
    ("shares(config.k, [''])", {"config": {"k": [""]}}),
    ("request.context_tokens != `null` && request.context_tokens > `1` && request.context_tokens < `2`",
     {"request.context_tokens": 1.5}),
    ("sort(model.files) | [0] == 'a'", {"model.files": ["b", "a"]}),
    ("join(',', model.files) == 'a,b'", {"model.files": ["a", "b"]}),
    ("to_string(model.size_bytes) == '12'", {"model.size_bytes": 12}),
    ("length(true_keys({a: request.images, b: request.audio})) == `2`",
     {"request.images": True, "request.audio": True}),
    ("(request.images == request.audio) && request.images", {"request.images": True, "request.audio": True}),
    ("truthy(config.a.b[?c == 'x'])", {"config": {"a": {"b": [{"c": "x"}]}}}),
    ("truthy(merge(problems, `{}`).config)", {"problems": {"config": "odd"}}),
    ("text(config.k) == 'a' && lower(text(config.k)) != 'b' && type(config.k) == 'string'", {"config": {"k": "a"}}),
]  # fmt: skip


def policy(condition: str, huge: int = 10**400) -> Policy:
    return Policy.from_text(TEXT.replace("CONDITION", condition).replace("HUGE", str(huge)), "tiny.yaml")


def facts_of(changes: dict[str, Any]) -> dict[str, Any]:
    facts = ordinary()
    for path, value in changes.items():
        facts = put(facts, path, value)
    return facts


@pytest.mark.parametrize(("condition", "changes"), FIRES, ids=[condition for condition, _ in FIRES])
def test_what_fires_is_not_said_to_be_idle(condition: str, changes: dict[str, Any]) -> None:
    rules = policy(condition)
    facts = facts_of(changes)
    assert rules.decide(facts).gate == rules.explain(facts).decision.gate == "asked"
    found = [finding for finding in findings(rules) if finding.problem.code == "gate-never-fires"]
    assert not any(finding.exact for finding in found), found
    without = difference(rules, policy("`false`"))
    assert without.changes or not without.exact


# What is the same for both, and what only looks so.
ALIKE = [
    ("model.size_bytes == `9007199254740993`", "model.size_bytes == `9007199254740992`"),
    ("contains(model.files[1:], 'x')", "contains(model.files[2:], 'x')"),
    ("model.type != `null` && sets.words[0] == model.type", "model.type != `null` && sets.words[1] == model.type"),
    ("truthy(derived)", "truthy(derived.files)"),
    ("model.size_bytes > limits.gb", "model.size_bytes >= limits.gb"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_differs_is_not_said_to_be_the_same(one: str, other: str) -> None:
    found = difference(policy(one), policy(other))
    assert found.changes or not found.exact


def test_a_set_in_another_order_is_another_list() -> None:
    old = TEXT.replace("CONDITION", "model.type != `null` && sets.words[0] == model.type").replace("HUGE", "1")
    new = old.replace("[mistral, mixtral]", "[mixtral, mistral]")
    assert difference(Policy.from_text(old), Policy.from_text(new)).changes


def test_patterns_are_told_apart_as_globs_are() -> None:
    random = Random(1)
    for _ in range(400):
        pieces = [random.choice(["a", "b", "*", "?", "/", "[ab]", "[!a]", ".", "**/", "/**"]) for _ in range(4)]
        pattern = "".join(pieces)
        matches = path_matcher(pattern)
        told = kinds([Question("glob", pattern)])
        tried = ["".join(random.choice("ab/.x") for _ in range(random.randrange(6))) for _ in range(40)]
        assert {matches(text) for text in tried} <= {matches(text) for text in told.texts}, pattern
