"""What the dry run brought to the engine: a gate's own status, what a decision rests on, today's policy kept fast."""

from __future__ import annotations

from typing import Any

import pytest
from mlxk_rules.engine import Policy, PolicyError
from mlxk_rules.engine.cli.commands.common import MAX_PIXELS, probed
from mlxk_rules.engine.compiler.function.policy_writer import decider
from mlxk_rules.engine.problems import UsageError

from ..helpers import REST, policy_text, with_facts

HELLO = "tests/models/hello"
HEAD = "schema: 1\nname: case\nversion: 1.0.0\nderive:\n"


def gate(rest: str) -> str:
    return f"schema: 1\nname: case\nversion: 1.0.0\ngates:\n  - id: x\n    when: request.images\n{rest}{REST}"


def test_a_gate_that_blocks_answers_501_where_it_says_nothing_else() -> None:
    facts = with_facts({"request.images": True})
    said = Policy.from_text(gate("    decide: block\n    error: refused\n    message: refused\n"))
    assert (said.decide(facts).http_status, said.explain(facts).decision.http_status) == (501, 501)
    other = Policy.from_text(gate("    decide: block\n    error: refused\n    http: 404\n    message: refused\n"))
    assert other.decide(facts).http_status == 404
    warns = Policy.from_text(gate("    decide: warn\n    backend: mlx_lm\n    message: refused\n"))
    assert warns.decide(facts).http_status is None
    assert Policy.from_text(policy_text()).decide(facts).http_status is None


def test_a_status_of_null_is_not_left_out() -> None:
    with pytest.raises(PolicyError):
        Policy.from_text(gate("    decide: block\n    error: refused\n    http: null\n    message: refused\n"))


@pytest.mark.parametrize("version", [None, "2.0.4"])
def test_the_shipped_policies_are_decided_fast(version: str | None) -> None:
    assert decider(Policy.load(version).evaluation.program) is not None


RESTING = (
    f"{HEAD}"
    "  status:\n    compute: dry_run.mlx_lm.status\n"
    "  failed:\n    compute: derived.status == 'failed'\n"
    "gates:\n"
    "  - id: first\n    when: request.images\n    decide: block\n    error: refused\n    message: refused\n"
    "  - id: second\n    when: derived.failed\n    decide: block\n    error: refused\n    message: refused\n"
    f"{REST}"
)


@pytest.mark.parametrize(
    ("gate", "fact", "rests"),
    [
        ("first", "dry_run", False),
        ("second", "dry_run", True),
        ("rest", "dry_run", True),
        (None, "dry_run", True),
        ("no-such-gate", "dry_run", True),
        ("second", "dry_run.mlx_lm.status", True),
        ("second", "dry_run.mlx_lm.statu", False),
        ("second", "dry_run.mlx_vlm", False),
        ("first", "request", True),
        ("rest", "memory", False),
        (None, "memory", False),
    ],
)
def test_what_a_decision_rests_on(gate: str | None, fact: str, rests: bool) -> None:
    assert Policy.from_text(RESTING).rests_on(gate, fact) is rests


def test_the_frozen_policy_rests_on_no_dry_run() -> None:
    old, new = Policy.load("2.0.4"), Policy.load()
    assert not any(old.rests_on(one.id, "dry_run") for one in old.document.gates)
    assert not new.rests_on("vision-capability", "dry_run")
    assert new.rests_on("text", "dry_run") and new.rests_on("missing-tensors", "dry_run")


# --- the options


def options(**given: Any) -> dict[str, Any]:
    return {"MODEL": HELLO, "--image": False, "--audio": False, "--quick": True, **given}


@pytest.mark.usefixtures("at_the_root")
def test_quick_asks_no_backend() -> None:
    facts = probed(options(), Policy.load())
    assert {one["status"] for one in facts["dry_run"].values()} == {"not_done"}


@pytest.mark.usefixtures("at_the_root")
@pytest.mark.parametrize(
    ("text", "size"),
    [(None, (1024, 1024)), ("1920x1080", (1920, 1080)), ("1X1", (1, 1)), (f"{MAX_PIXELS}x1", (MAX_PIXELS, 1))],
)
def test_an_image_size(text: str | None, size: tuple[int, int]) -> None:
    request = probed(options(**{"--image-size": text}), Policy.load())["request"]
    assert (request["image_width"], request["image_height"]) == size


@pytest.mark.usefixtures("at_the_root")
def test_a_policy_says_which_image_is_reckoned_for() -> None:
    limits = "limits:\n  image_width: 640\n  image_height: 480\n"
    policy = Policy.from_text(policy_text().replace("limits:\n", limits))
    request = probed(options(), policy)["request"]
    assert (request["image_width"], request["image_height"]) == (640, 480)


@pytest.mark.usefixtures("at_the_root")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1920",
        "1920x",
        "x1080",
        "0x5",
        "5x0",
        "-1x5",
        "1.5x5",
        "1x2x3",
        f"{MAX_PIXELS + 1}x1",
        "9" * 99 + "x1",
        "²x5",
    ],
)
def test_no_image_size(text: str) -> None:
    with pytest.raises(UsageError, match="--image-size"):
        probed(options(**{"--image-size": text}), Policy.load())
