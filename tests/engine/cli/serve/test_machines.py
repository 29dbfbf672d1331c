"""What several machines change at the door: facts beside others, refusals of a rank, words for other hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.on_machines import refuse_policy_of_one_machine
from mlxk_rules.engine.cli.policies.policy_choice import choose
from mlxk_rules.engine.cli.serve.asked.catalogue import Catalogue
from mlxk_rules.engine.cli.serve.asked.refusals import of_loader
from mlxk_rules.engine.cli.serve.kept.current_policy import RuleFile
from mlxk_rules.engine.cli.serve.loaded.needs import beside
from mlxk_rules.engine.problems import UsageError
from mlxk_rules.loaders import LoaderError
from mlxk_rules.loaders.ring.agreement import RankRefused, Refusal

from ...command_line import HELLO, ROOT, Capture, ran

DECISION: dict[str, Any] = {
    "decision": "block",
    "backend": "unsupported",
    "gate": "machines-too-large",
    "error_type": "insufficient_memory",
    "http_status": 507,
    "message": "too large",
    "policy": {"name": "mlx", "version": "4.0.0"},
}


def test_each_machine_has_less() -> None:
    memory = {"total_bytes": 1000, "recommended_bytes": None}
    rows = [{"name": "a", **memory}, {"name": "b", "total_bytes": None, "recommended_bytes": 500}]
    found = beside({"memory": memory, "machines": {"count": 2, "hosts": rows}}, ["x"], 70, {"memory_ratio": 0.7})
    assert [(one["total_bytes"], one["recommended_bytes"]) for one in found["machines"]["hosts"]] == [
        (900, None),
        (None, 430),
    ]
    assert rows[0]["total_bytes"] == 1000, "the facts are kept for others"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RankRefused(Refusal(1, "too_much", "no", None, DECISION), "rank 1 (b)"), 507, "too_much"),
        (RankRefused(Refusal(1, "x", "no", None, {**DECISION, "http_status": 7}), "rank 1 (b)"), 501, "x"),
        (RankRefused(Refusal(1, "ranks_differ", "no", "have the same"), "rank 1 (b)"), 409, "ranks_differ"),
        (LoaderError("rank_silent", "rank 1 (b) did not answer"), 504, "rank_silent"),
    ],
)  # fmt: skip
def test_what_a_rank_refuses_is_told_to_the_client(error: LoaderError, status: int, code: str) -> None:
    refusal = of_loader(error)
    assert (refusal.status, refusal.code) == (status, code)
    assert "rank 1 (b)" in refusal.body()["error"]["message"]
    decided = refusal.body()["error"].get("decision")
    assert (decided is None) == (getattr(error, "decision", None) is None)


def test_a_rank_s_refusal_is_no_bug_to_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    from mlxk_rules.engine.cli.commands import probe

    def run(_: object) -> int:
        raise RankRefused(Refusal(1, "ranks_differ", "no", "have the same"), "rank 1 (b)")

    monkeypatch.setattr(probe, "run", run)
    assert ran(capsys, "probe", HELLO) == (2, "", "error[ranks_differ]: rank 1 (b): no; have the same\n")


def test_what_other_machines_know_a_model_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    snapshot = tmp_path / "models--org--small" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    catalogue = Catalogue((HELLO, "org/small"), only=True)
    assert catalogue.word("hello") == HELLO, "as it was said: ssh goes to the same folder"
    assert catalogue.word("org/small") == f"org/small@{'0' * 40}"


def test_a_policy_of_one_machine_is_not_taken() -> None:
    with pytest.raises(UsageError) as caught:
        RuleFile(choose(["2.0.4"]), refuse_policy_of_one_machine)
    assert caught.value.code == "policy-of-one-machine"


def test_nor_where_the_rule_file_becomes_one(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("schema: 1\nname: own\nversion: 1.0.0\nextends: today\n")
    rules = RuleFile(choose([str(file)]), refuse_policy_of_one_machine)
    assert isinstance(rules.rules.policy, Policy)
    file.write_text("schema: 1\nname: own\nversion: 1.0.1\nextends: 2.0.4\n")
    assert "no rule for several machines" in (rules.look() or "")
    assert rules.rules.policy.version == "1.0.0"
