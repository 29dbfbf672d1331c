"""Gates that are observed, and gates whose last day is over: the compiled way and the exact way agree on them."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.analysis.cases.ordinary_model import ordinary, put
from mlxk_rules.engine.analysis.changes.edits import edits
from mlxk_rules.engine.report.pages.outline import outline
from mlxk_rules.engine.report.pages.rule_file import rule_file

TEXT = """schema: 1
name: tried
version: 1.0.0
gates:
  - id: watched
    mode: observe
    when: request.images
    decide: block
    error: seen
    message: "`{{ model.type }}` would be refused"
    owner: somebody
  - id: summer
    until: 2027-06-30
    when: request.images || request.audio
    decide: block
    error: summer
    message: until the summer
    description: why it is there
    link: https://example.org/why
    owner: team
    remedy: ask the team
  - id: behind
    when: request.audio
    decide: warn
    backend: mlx_audio
    message: behind
  - id: late
    mode: observe
    when: "!(request.audio)"
    decide: allow
    backend: mlx_vlm
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
DAYS: list[Any] = [None, 20270630, 20270701, 20991231, "soon"]


@pytest.mark.parametrize("kept", [False, True])
def test_both_ways_agree(kept: bool, tmp_path: Path) -> None:
    file = tmp_path / "tried.yaml"
    file.write_text(TEXT)
    policy = Policy.load(file)
    policy = Policy.load(file) if kept else policy  # the second time it is taken from what is kept
    for images, audio, day in product((True, False), (True, False), DAYS):
        facts = put(put(put(ordinary(), "request.images", images), "request.audio", audio), "runtime.today", day)
        decision = policy.decide(facts)
        assert decision == policy.evaluation.decide(facts) == policy.explain(facts).decision
        over = isinstance(day, int) and day > 20270630
        if day == "soon" and (images or audio):
            assert (decision.gate, decision.error_type) == ("summer", "policy_error")
        elif day != "soon":
            expected = "summer" if (images or audio) and not over else "behind" if audio else "text"
            assert decision.gate == expected


def test_what_is_observed_is_told_where_it_is_reached() -> None:
    policy = Policy.from_text(TEXT)
    facts = put(put(ordinary(), "request.images", True), "runtime.today", 20270701)
    trace = policy.explain(facts)
    assert trace.decision.gate == "text"
    assert [(gate.id, gate.fired, gate.message) for gate in trace.observed] == [
        ("watched", True, "`llama` would be refused"),
        ("late", True, None),
    ]
    plain = trace.to_dict()
    assert [(one["id"], one["decide"], one["fired"]) for one in plain["observed"]] == [
        ("watched", "block", True),
        ("late", "allow", True),
    ]
    assert plain["observed"][0]["about"] == {"owner": "somebody"}
    trace = policy.explain(put(facts, "runtime.today", 20270101))
    assert trace.decision.gate == "summer" and [gate.id for gate in trace.observed] == ["watched"]
    about = trace.to_dict()["gates"][-1]["about"]
    assert list(about) == ["description", "link", "owner", "remedy", "until"] and about["remedy"] == "ask the team"


def test_the_policy_written_whole_says_the_same() -> None:
    policy = Policy.from_text(TEXT)
    text = rule_file(outline(policy.document))
    assert "until: '2027-06-30'\n" in text and "mode: observe\n" in text and "runtime.today" not in text
    again = Policy.from_text(text)
    facts = put(put(ordinary(), "request.images", True), "runtime.today", 20270701)
    for day in (20270630, 20270701):
        one, other = (p.explain(put(facts, "runtime.today", day)) for p in (policy, again))
        assert one.decision == other.decision
        assert [gate.about for gate in (*one.gates, *one.observed)] == [
            g.about for g in (*other.gates, *other.observed)
        ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("    until: 2027-06-30\n", "", "changes `when` of the gate `summer`"),
        ("    owner: team\n", "    owner: others\n", "changes the words of the gate `summer`"),
        ("  - id: behind\n", "  - id: behind\n    mode: observe\n",
         "only observes the gate `behind`, which decided warn"),
        ("    mode: observe\n", "", "no more only observes the gate `watched`, which decides block"),
        ("  - id: text",
         "  - {id: new, mode: observe, when: request.audio, decide: allow, backend: mlx_lm}\n  - id: text",
         "adds the gate `new`, which is only observed"),
    ],
)  # fmt: skip
def test_what_was_done_to_them(before: str, after: str, said: str) -> None:
    assert before in TEXT
    old, new = Policy.from_text(TEXT), Policy.from_text(TEXT.replace(before, after, 1))
    assert [edit.said for edit in edits(old.document, new.document)] == [said]


def test_every_gate_that_would_fire() -> None:
    facts = put(ordinary(), "request.audio", True)
    policy = Policy.from_text(TEXT)
    trace = policy.explain(facts, every=True)
    assert [gate.id for gate in trace.gates] == ["summer"]
    assert [(gate.id, gate.fired) for gate in trace.behind] == [("behind", True), ("text", True)]
    assert "behind" in trace.to_dict() and "behind" not in policy.explain(facts).to_dict()


def test_an_observed_gate_is_no_last_gate() -> None:
    from mlxk_rules.engine import PolicyError

    with pytest.raises(PolicyError) as caught:
        Policy.from_text(TEXT[: TEXT.index("  - id: text")])
    assert [problem.code for problem in caught.value.problems] == ["no-otherwise"]
    assert "`behind`" in caught.value.problems[0].message
