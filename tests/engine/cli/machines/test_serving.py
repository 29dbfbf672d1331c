"""`serve --hosts`: mlx_lm.server with real ranks behind the door, answers, faults, and no rank left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mlxk_rules.loaders import Job, LoaderError
from mlxk_rules.loaders.machines import hostfile as hostfiles
from mlxk_rules.loaders.ring import addresses
from mlxk_rules.loaders.ring.agreement import RankRefused
from mlxk_rules.loaders.ring.serving.ring_server import RingServer

from ....loaders.ring.models import model
from ....tiny.pair import ANSWER, FOLDER, HOSTS
from ...command_line import HELLO, ROOT, Capture, ran
from ..serve.running import Running, children, endless, is_alive, running, until
from .running import LOCAL, OPTIONS, RANK, hostfile

pytestmark = pytest.mark.slow
TEXTS = ("hi there you", "hello", "the sky is blue and the sea too")


@pytest.fixture(scope="module")
def alone(qwen2: Path) -> Generator[Running]:
    with running(qwen2, "--only") as server:
        yield server


@pytest.fixture
def place() -> Generator[Path]:
    """A folder for what a server lays, whose path is short enough for a socket."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def ranks_of(server: Running) -> list[int]:
    """The ranks' process ids, once both run, in order."""
    return until(lambda: found if len(found := children(server.process.pid)) == 2 else None)


def gone(pids: list[int]) -> bool:
    return until(lambda: not any(map(is_alive, pids)), 5)


def test_a_ring_from_its_first_answer_to_its_end(qwen2: Path, place: Path) -> None:
    """One claim after another of the same server: each ring takes as long to load as a test."""
    shown = re.search(r"\$ mlxk-rules serve (.*)", (ROOT / "rules" / "MACHINES.md").read_text("utf-8"))
    assert shown
    with running(HELLO, qwen2, "--only", *shown[1].split(), TMPDIR=str(place)) as server:
        server.status()  # which asks the backends of all models: below it is to be answered at once
        the_openai_client_is_answered(server)
        for more in ({}, {"seed": 1}):  # in a batch, and alone
            beyond = server.chat("pair", logit_bias={"999999999": 100}, **more)  # the tokens that there are
            assert beyond.json()["choices"][0]["message"]["content"] == ANSWER
            for stream in (True, False):
                a_client_that_leaves_does_not_hang_the_ring(server, {**endless(FOLDER), **more, "stream": stream})
        for rank in (0, 1):
            a_rank_killed_in_mid_answer_is_told_and_the_next_request_answered(server, rank)
        a_rank_killed_between_requests_is_not_noticed(server)
        one_model_is_loaded_at_a_time(server, qwen2)
        no_rank_is_left_behind(server, signal.SIGTERM)
    assert list(place.iterdir()) == []


def the_openai_client_is_answered(pair: Running) -> None:
    import openai

    client = pair.client()
    said: Any = [{"role": "user", "content": "Who are you?"}]
    assert client.chat.completions.create(model="pair", messages=said).choices[0].message.content == ANSWER
    chunks = client.chat.completions.create(model="pair", messages=said, stream=True)
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == ANSWER
    # What only one machine can do, and what several cannot, are told by the same gates as explain's.
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    for name, messages, code in (
        ("pair", [{"role": "user", "content": [picture]}], "capability_mismatch"),
        ("hello", said, "uneven_split"),
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=name, messages=messages)
        assert caught.value.code == code
    assert isinstance(caught.value.body, dict) and caught.value.body["decision"]["gate"] == "machines-uneven"
    assert len(children(pair.process.pid)) == 2, "nothing was loaded for them"


def a_client_that_leaves_does_not_hang_the_ring(pair: Running, body: dict[str, Any]) -> None:
    text = json.dumps(body)
    host, port = pair.url.removeprefix("http://").split(":")
    ranks = ranks_of(pair)
    with socket.create_connection((host, int(port))) as one:
        one.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        until(lambda: pair.status()["resident"][0]["answering"] == 1)
        if body["stream"]:
            one.recv(1 << 10)
    assert pair.chat("pair", seed=2).json()["choices"][0]["message"]["content"] == ANSWER
    assert pair.chat("pair").json()["choices"][0]["message"]["content"] == ANSWER
    assert ranks_of(pair) == ranks, "it is the same ring"


def a_rank_killed_in_mid_answer_is_told_and_the_next_request_answered(pair: Running, rank: int) -> None:
    ranks = ranks_of(pair)
    events = pair.events(endless(FOLDER), 5, lambda: os.kill(ranks[rank], signal.SIGKILL))
    assert events[-1]["error"]["code"] == "worker_died"
    assert f"rank {rank} (127.0.0.1) was ended by signal 9" in events[-1]["error"]["message"]
    assert gone(ranks)
    assert pair.chat("pair").status_code == 200
    assert set(ranks_of(pair)).isdisjoint(ranks)


def a_rank_killed_between_requests_is_not_noticed(pair: Running) -> None:
    ranks = ranks_of(pair)
    os.kill(ranks[1], signal.SIGKILL)
    assert pair.chat("pair").status_code == 200
    assert gone(ranks)


def one_model_is_loaded_at_a_time(pair: Running, other: Path) -> None:
    first = ranks_of(pair)
    assert pair.ask("/v1/completions", model=other.name, prompt="x", max_tokens=2).status_code == 200
    assert gone(first) and pair.resident() == [other.name]

    with pair.http.stream("POST", "/v1/chat/completions", json={**endless(other), "stream": True}) as response:
        lines = response.iter_lines()  # kept, as the answer is left with it
        assert any(line.startswith("data: ") for line in lines)
        told = pair.chat("pair")
        assert (told.status_code, told.json()["error"]["code"]) == (503, "busy")
        assert "by one model at a time" in told.json()["error"]["message"]


def no_rank_is_left_behind(server: Running, end: signal.Signals) -> None:
    ranks = ranks_of(server)
    server.process.send_signal(end)
    server.process.wait(10)
    assert gone(ranks)


# What mlx-lm chooses for this model, where no split is named, is `tensor`.
@pytest.mark.parametrize(
    ("split", "end"),
    [
        (None, signal.SIGINT),
        pytest.param("tensor", signal.SIGTERM, marks=pytest.mark.long),
        ("pipeline", signal.SIGKILL),
    ],
)
def test_the_same_as_one_process_until_it_is_ended(
    split: str | None, end: signal.Signals, qwen2: Path, alone: Running, place: Path
) -> None:
    words = ["--split", split] if split else []
    with running(qwen2, "--only", "--hosts", HOSTS, *words, TMPDIR=str(place)) as several:

        def answers(server: Running, **more: Any) -> list[str]:
            made: dict[str, str] = {}

            def ask(text: str) -> None:
                body = {"model": "qwen2", "prompt": text, "max_tokens": 14, **more}
                made[text] = server.ask("/v1/completions", **body).json()["choices"][0]["text"]

            threads = [threading.Thread(target=ask, args=(text,)) for text in TEXTS]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return [made[text] for text in TEXTS]

        # All at once, one by one by a seed, and again, where the prompts are kept.
        for more in ({}, {"seed": 3, "temperature": 0.8}, {}):
            found = answers(several, **more)
            assert found == answers(alone, **more) and len(set(found)) == len(TEXTS)
        ranks = ranks_of(several)
        before = [_seconds(pid) for pid in ranks]
        time.sleep(3)
        assert all(_seconds(pid) - began < 0.3 for pid, began in zip(ranks, before, strict=True)), "an idle ring sleeps"
        no_rank_is_left_behind(several, end)
    assert list(place.iterdir()) == []


def _seconds(pid: int) -> float:
    """The seconds of a processor that a process has taken."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_a_tensor_that_no_file_holds(tmp_path: Path) -> None:
    lacking = model(tmp_path / "lacking", "qwen2")
    (lacking / "model-1.safetensors").unlink()
    index = lacking / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-1.safetensors", "model-0.safetensors"))
    job = Job("mlx_lm", str(lacking), None, "qwen2")
    assert failure(tmp_path, job, [lacking] * 2, split="pipeline").code == "missing_tensors"


def failure(
    tmp_path: Path,
    job: Job,
    models: list[Path],
    seconds: float = 60,
    meanwhile: Callable[[Callable[[], list[int]]], None] = lambda ranks: None,
    split: str | None = None,
) -> LoaderError:
    """Why ranks that serve did not load; none of them is left. meanwhile: is given what tells their process ids."""
    hosts = hostfiles.read(hostfile(tmp_path, len(models)))
    same = {
        "split": split,
        "ring": addresses.of_ranks(hosts),
        "hosts": hosts,
        "serve": {"parallel": 1, "kept_tokens": 99},
    }
    jobs = [{**same, "rank": rank, "options": {**OPTIONS, "MODEL": str(one)}} for rank, one in enumerate(models)]

    before = children(os.getpid())  # other tests of this process may keep a child

    def ranks() -> list[int]:
        return [pid for pid in children(os.getpid()) if pid not in before]

    async def start() -> None:
        await asyncio.gather(RingServer.of(hosts, RANK, jobs, job, seconds), asyncio.to_thread(meanwhile, ranks))

    with pytest.raises(LoaderError) as caught:
        asyncio.run(start())
    assert not any(map(is_alive, ranks()))
    return caught.value


def test_another_model_on_one_host(qwen2: Path, tmp_path: Path) -> None:
    other = model(tmp_path / "qwen2", "qwen2", layers=2)
    found = failure(tmp_path, Job("mlx_lm", str(qwen2), None, "qwen2"), [qwen2, other])
    assert isinstance(found, RankRefused) and found.code == "ranks_differ"
    assert found.message.startswith("rank 1 (127.0.0.1): its model is of ")


def test_a_rank_that_hangs(qwen2: Path, tmp_path: Path) -> None:
    def stop_one(ranks: Callable[[], list[int]]) -> None:
        os.kill(until(lambda: found if len(found := ranks()) == 2 else None)[1], signal.SIGSTOP)

    found = failure(tmp_path, Job("mlx_lm", str(qwen2), None, "qwen2"), [qwen2] * 2, 3, stop_one)
    assert (found.code, found.message) == ("rank_silent", "rank 1 (127.0.0.1) did not answer within 3 s")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--split", "layers"], "`--split` is `layers`"),
        (["--policy", "2.0.4"], "error[policy-of-one-machine]: the policy `mlx 2.0.4` has no rule for"),
        (["--starting-port", "65535"], "end beyond 65535"),
        (["--starting-port", "many"], "`--starting-port` is `many`"),
    ],
)
def test_what_cannot_be(words: list[str], told: str, capsys: Capture) -> None:
    assert told in refused(capsys, "--hosts", HOSTS, *words)


def test_hosts_that_are_none(tmp_path: Path, capsys: Capture) -> None:
    assert "names one host" in refused(capsys, "--hosts", hostfile(tmp_path, 1))
    hosts = hostfile(tmp_path, hosts=[{"ssh": "mac2.local", "ips": ["192.0.2.1"]}, LOCAL])
    (tmp_path / "hosts.machines.json").write_text("[{}, {}]")
    assert "the first host of " in (said := refused(capsys, "--hosts", hosts)) and "no_ring" in said
    for name in ("--split", "--machines", "--python", "--starting-port"):
        assert f"`{name}` is for several machines" in refused(capsys, name, "1")


def refused(capsys: Capture, *words: str | Path) -> str:
    code, out, err = ran(capsys, "serve", str(FOLDER), "--port", "0", *map(str, words))
    assert (code, out) == (2, "")
    return err
