"""`run --hosts` with a second machine, reached by a real sshd in a network namespace of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest
from mlxk_rules.loaders.machines import hostfile
from mlxk_rules.loaders.machines.machine import Machine, of_facts
from mlxk_rules.loaders.ring import ask_machines
from mlxk_rules.loaders.ring.ranks import SILENCE_SECONDS

from ....loaders.ring.models import model
from ...command_line import Capture
from ...command_line import ran as here_ran
from ..serve.running import children, is_alive, until
from ..serve.running import running as serving
from .running import PROMPT, Front, ran, running
from .running import hostfile as make_hostfile
from .second_machine import HERE, NOBODY, THERE, SecondMachine, second_machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
]
FIRST = {"ssh": "127.0.0.1", "ips": [HERE]}
SECOND = {"ssh": "second", "ips": [THERE]}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models that both machines have, `differs` being another one on the second."""
    folder = tmp_path_factory.mktemp("models")
    model(folder / "same", "qwen2", max_position_embeddings=1 << 20)
    model(folder / "differs", "qwen2")
    model(folder / "other", "qwen2", layers=2)
    return folder


@pytest.fixture(scope="module")
def machine(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[SecondMachine]:
    folder = tmp_path_factory.mktemp("second")
    environment = {"MLX_DISABLE_COMPILE": "1", "XDG_CACHE_HOME": f"{folder}/cache", "HF_HOME": f"{folder}/hf"}
    with second_machine(folder, {models / "differs": models / "other"}, environment) as found:
        yield found


@pytest.fixture(autouse=True)
def reaches_it(machine: SecondMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", machine.path)


def both(tmp_path: Path, second: dict[str, object] = SECOND) -> Path:
    """Write a hostfile of both machines."""
    return make_hostfile(tmp_path, hosts=[FIRST, second])


def both_and_nobody(tmp_path: Path) -> Path:
    """Write a hostfile of both machines and of one that is not there."""
    return make_hostfile(tmp_path, hosts=[FIRST, SECOND, {"ssh": "nobody", "ips": [NOBODY]}])


def ranks_there(machine: SecondMachine) -> list[int]:
    """Return the processes that the second machine's sshd started, and theirs."""
    found, open_ = [], children(machine.pid)
    while open_:
        pid = open_.pop()
        found.append(pid)
        open_ += children(pid)
    return found


def test_the_same_as_one_process(models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    words = [models / "same", PROMPT, "--max-tokens", "8"]
    one = ran(1, *words)
    done = ran(2, *words, "--hosts", both(tmp_path), "--split", "pipeline")
    assert (done.code, done.out) == (0, one.out), done.err
    assert until(lambda: not ranks_there(machine))


def test_serve_is_idle_for_longer_than_a_rank_s_patience(models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    words = ["--only", "--hosts", both(tmp_path), "--split", "pipeline"]
    with serving(models / "same", models / "differs", *words) as server:

        def asked_for(name: str) -> httpx2.Response:
            return server.ask("/v1/completions", model=name, prompt=PROMPT, max_tokens=8)

        first = asked_for("same").json()["choices"][0]["text"]
        pid = server.status()["resident"][0]["pid"]
        time.sleep(SILENCE_SECONDS + 4)
        assert asked_for("same").json()["choices"][0]["text"] == first
        assert server.status()["resident"][0]["pid"] == pid and first
        told = asked_for("differs")  # the first ring goes, and its ports are another's
        assert (told.status_code, told.json()["error"]["code"]) == (409, "ranks_differ")
        assert told.json()["error"]["message"].startswith("rank 1 (second): its model is of ")
        assert until(lambda: not ranks_there(machine))
        assert asked_for("same").json()["choices"][0]["text"] == first
    assert until(lambda: not ranks_there(machine))


def test_serve_and_a_cable_that_is_pulled(models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    with serving(models / "same", "--only", "--hosts", both(tmp_path), "--split", "pipeline") as server:
        body = {"model": "same", "prompt": PROMPT, "max_tokens": 100_000, "stream": True}
        try:
            with server.http.stream("POST", "/v1/completions", json=body) as response:
                events = (line[6:] for line in response.iter_lines() if line.startswith("data: "))
                next(events)
                machine.cut()
                last = json.loads(list(events)[-1])["error"]
            assert last["code"] == "worker_died" and "rank 1 (second) is not reached any more" in last["message"]
            told = server.ask("/v1/completions", model="same", prompt=PROMPT)
            assert (told.status_code, told.json()["error"]["code"]) == (502, "host_unreachable")
        finally:
            machine.mend()
        assert until(lambda: not ranks_there(machine), SILENCE_SECONDS + 10)


def test_a_machine_is_asked_what_it_has(models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    hosts = hostfile.read(both_and_nobody(tmp_path))
    found = ask_machines.ask(hosts)
    here = of_facts(ask_machines.this_one())
    assert found["second"] == here and here.total_bytes and here.mlx_lm
    assert "nobody cannot be reached: ssh: connect to host" in (found["nobody"].reason or "")
    assert found["nobody"] == Machine(reason=found["nobody"].reason)
    assert until(lambda: not ranks_there(machine))


def test_explain_asks_it(models: Path, tmp_path: Path, capsys: Capture) -> None:
    code, out, err = here_ran(capsys, "explain", str(models / "same"), "--hosts", str(both(tmp_path)), "--json")
    assert code == 0, err
    facts = json.loads(out)["facts"]["machines"]
    rows = {row["name"]: row for row in facts["hosts"]}
    assert rows["second"]["total_bytes"] == rows["127.0.0.1"]["total_bytes"]
    assert facts["mlx_lm_versions"] == [rows["second"]["mlx_lm"]]


def test_another_model_there(models: Path, tmp_path: Path) -> None:
    done = ran(2, models / "differs", PROMPT, "--hosts", both(tmp_path))
    assert done.code == 2
    assert done.err.startswith("error[ranks_differ]: rank 1 (second): its model is of ")


def test_a_host_where_there_is_none(models: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    done = ran(2, models / "same", PROMPT, "--hosts", both(tmp_path, {"ssh": "nobody", "ips": [NOBODY]}))
    assert time.monotonic() - began < 20
    assert done.code == 2
    assert done.err.startswith("error[host_unreachable]: rank 1 (nobody) cannot be reached: ssh: connect to host")


def test_a_host_that_asks_for_a_password(models: Path, tmp_path: Path) -> None:
    done = ran(2, models / "same", PROMPT, "--hosts", both(tmp_path, {"ssh": "stranger@second", "ips": [THERE]}))
    assert done.code == 2
    assert "(stranger@second) cannot be reached: stranger@" in done.err and "Permission denied" in done.err


def test_no_python_there(models: Path, tmp_path: Path) -> None:
    done = ran(2, models / "same", PROMPT, "--hosts", both(tmp_path), "--python", "/no such/python; touch x")
    assert done.code == 2
    assert done.err.startswith("error[rank_failed]: rank 1 (second) could not be started: ")
    assert "--python" in done.err


def answering(front: Front) -> None:
    assert front.process.stdout is not None and front.process.stdout.read(1)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_rank_is_left_there(end: signal.Signals, models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    with running(2, models / "same", "hi", "--max-tokens", "50000", "--hosts", both(tmp_path)) as front:
        answering(front)
        there = ranks_there(machine)
        assert there
        front.process.send_signal(end)
        front.process.wait(5)
        assert until(lambda: not any(map(is_alive, there)), 3)


def test_a_rank_that_is_killed_there(models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    with running(2, models / "same", "hi", "--max-tokens", "50000", "--hosts", both(tmp_path)) as front:
        answering(front)
        os.kill(ranks_there(machine)[-1], signal.SIGKILL)
        killed = time.monotonic()
        done = front.ended(5)
    assert time.monotonic() - killed < 2
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error[rank_failed]: rank 1 (second) was ended by signal 9")


def test_a_cable_that_is_pulled(models: Path, tmp_path: Path, machine: SecondMachine) -> None:
    with running(2, models / "same", "hi", "--max-tokens", "50000", "--hosts", both(tmp_path)) as front:
        answering(front)
        there = ranks_there(machine)
        machine.cut()
        try:
            done = front.ended(30)
            assert until(lambda: not any(map(is_alive, there[-1:])), SILENCE_SECONDS + 10)
        finally:
            machine.mend()
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error[host_unreachable]: rank 1 (second) is not reached any more")
