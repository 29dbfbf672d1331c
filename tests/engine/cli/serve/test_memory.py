"""Memory by the policy: who goes for whom, who has to wait, what never fits; with real models and a small limit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from mlxk_rules.engine import Policy
from mlxk_rules.engine.cli.serve.loaded.needs import beside
from mlxk_rules.loaders import machine, probe

from ....conftest import made
from ...command_line import HELLO, ROOT
from .running import Running, running, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folders() -> list[Path]:
    """Three models that need the same."""
    return [made(name, partial(shutil.copytree, ROOT / HELLO)) for name in "abc"]


@pytest.fixture(scope="module")
def needed() -> int:
    facts = probe(HELLO, context="server")
    return Policy.load().explain(facts).derived["needed_bytes"]


def with_limit(folder: Path, limit: float, extends: str = "today") -> Path:
    """A policy by which so many bytes may be used on this machine."""
    total = machine().memory["total_bytes"]
    file = folder / "small.yaml"
    file.write_text(
        f"schema: 1\nname: small\nversion: 1.0.0\nextends: {extends}\nlimits:\n  memory_ratio: {limit / total:.12f}\n"
    )
    return file


def test_who_goes_and_who_stays(folders: list[Path], needed: int, tmp_path: Path) -> None:
    with running(*folders, "--only", "--policy", with_limit(tmp_path, 2.3 * needed)) as server:
        server.status()  # which asks a backend of all three by one child
        the_least_recently_used_goes(server)
        who_answers_stays_and_others_are_told_when_to_come(server)


def the_least_recently_used_goes(two_fit: Running) -> None:
    for name in "aba":
        assert two_fit.chat(name).status_code == 200
    assert two_fit.resident() == ["a", "b"]
    assert [one["fits_beside_loaded"] for one in two_fit.status()["models"]] == [True, True, False]
    assert two_fit.chat("c").status_code == 200
    assert two_fit.resident() == ["a", "c"]
    assert two_fit.chat("b").status_code == 200
    assert two_fit.resident() == ["b", "c"]
    assert sum(one["bytes"] for one in two_fit.status()["resident"]) > 0
    assert 'mlxk_models_total{backend="mlx_lm",what="evict"} 2.0' in two_fit.http.get("/metrics").text


def who_answers_stays_and_others_are_told_when_to_come(two_fit: Running) -> None:
    stopped = {one["model"]: one["pid"] for one in two_fit.status()["resident"]}
    assert len(stopped) == 2
    for pid in stopped.values():
        os.kill(pid, signal.SIGSTOP)  # so that their answers take as long as is wanted here
    threads = [threading.Thread(target=two_fit.chat, args=(name,)) for name in stopped]
    for thread in threads:
        thread.start()
    try:
        until(lambda: [one["answering"] for one in two_fit.status()["resident"]] == [1, 1])
        started = time.monotonic()
        response = two_fit.chat("a")
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        error = response.json()["error"]
        assert error["code"] == "busy" and "`b`" in error["message"] and error["decision"]["decision"] == "allow"
        assert time.monotonic() - started < 5
    finally:
        for pid in stopped.values():
            os.kill(pid, signal.SIGCONT)
        for thread in threads:
            thread.join()
    assert two_fit.chat("a").status_code == 200


def test_two_at_once_that_do_not_fit_are_never_both_loaded(folders: list[Path], needed: int, tmp_path: Path) -> None:
    with running(*folders, "--only", "--policy", with_limit(tmp_path, 1.5 * needed)) as server:
        rows = server.status()["models"]  # so that their facts are known, and the requests come at once
        assert [row["decision"]["decision"] for row in rows] == ["allow"] * 3
        told: list[int] = []
        seen: list[int] = []
        threads = [
            threading.Thread(target=lambda name=name: told.append(server.chat(name).status_code)) for name in "abcab"
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen.append(len(server.status()["resident"]))
        assert max(seen) == 1
        assert 200 in told and set(told) <= {200, 503}


def test_pinned(folders: list[Path], needed: int, tmp_path: Path) -> None:
    policy = with_limit(tmp_path, 1.5 * needed)
    log = tmp_path / "log"
    with running(*folders, "--only", "--policy", policy, "--pin", "a", "--log", log) as server:
        until(lambda: server.http.get("/health/ready").status_code == 200, 60)
        assert server.resident() == ["a"]
        response = server.chat("b")
        assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_memory")
        assert response.headers["x-should-retry"] == "false"
        assert server.chat("a").status_code == 200
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [(one["logged"]["model"], one["resident"]["models"], one["logged"]["decision"]) for one in lines]
    assert [(model, models, decision["decision"]) for model, models, decision in told][-3:] == [
        ("b", [], "allow"),
        ("b", ["a"], "warn"),  # by which it would be loaded alone only
        ("a", [], "allow"),
    ]
    assert lines[-3]["logged"]["id"] == lines[-2]["logged"]["id"]
    # What was decided beside others is decided the same of what was logged.
    policy_of_log = Policy.load(policy)
    assert [policy_of_log.decide(line).to_dict() for line in lines] == [decision for *_, decision in told]


def test_what_is_alone_too_large_never_fits(vision_model: Path, needed: int, tmp_path: Path) -> None:
    with running(vision_model, "--only", "--policy", with_limit(tmp_path, needed / 100, "2.0.4")) as server:
        response = server.chat("vision")
        assert (response.status_code, response.json()["error"]["decision"]["gate"]) == (507, "vision-memory")


def test_a_model_that_wants_all_memory_is_loaded_alone_and_goes_when_idle(
    folders: list[Path], needed: int, tmp_path: Path
) -> None:
    # Its memory is warned of, alone and beside others: the gate is the same, and nobody would go.
    with running(*folders, "--only", "--policy", with_limit(tmp_path, needed / 2), "--idle", "6") as server:
        for name in "ab":
            response = server.chat(name)
            assert response.status_code == 200 and "expect swapping" in response.headers["x-mlxk-warning"]
            assert server.resident() == [name]
        until(lambda: server.resident() == [], 20)
        assert server.chat("a").status_code == 200


def test_facts_beside_others() -> None:
    facts = {"memory": {"total_bytes": 1000, "recommended_bytes": 500}}
    found = beside(facts, ["b", "a"], 70, {"memory_ratio": 0.7})
    resident = {"models": ["a", "b"], "bytes": 70}
    assert found == {"memory": {"total_bytes": 900, "recommended_bytes": 430}, "resident": resident}
    unknown = {"memory": {"total_bytes": None, "recommended_bytes": None}}
    assert beside(unknown, ["a", "b"], 70, {}) == {**unknown, "resident": resident}
    assert json.dumps(beside(facts, ["a"], 7_000, {}))  # never nothing, and never less


def test_a_gate_of_ones_own_says_what_may_be_loaded_beside(folders: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "lonely.yaml"
    file.write_text(
        "schema: 1\nname: lonely\nversion: 1.0.0\nextends: today\ngates:\n  - id: lonely\n    before: adapter-only\n"
        "    when: contains(resident.models, 'a')\n    decide: block\n    error: lonely\n    http: 507\n"
        "    message: not beside {{ resident.models[0] }}\n"
    )
    with running(*folders, "--only", "--policy", file) as server:
        for name in "ab":
            assert server.chat(name).status_code == 200
            assert server.resident() == [name]
