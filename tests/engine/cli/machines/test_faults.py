"""`run --hosts` that goes wrong: refused before anything is loaded, or a rank that is lost, and no rank left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
from mlxk_rules.loaders import LoaderError, Probed, Workers, request_of
from mlxk_rules.loaders.ring.agreement import Refusal, refusal

from ....loaders.ring.models import model
from .running import LOCAL, agreed, hostfile, ran, ranks_of, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked_of(llama: Path) -> Path:
    """The model, once what mlx-lm says of it is kept: of two ranks here each would ask that by a child of its own."""
    probed = Probed.of(str(llama), request_of())
    with Workers() as workers:
        facts = probed.rehearsed(probed.facts(), workers=workers)
        probed.split(facts, (2,), facts["memory"]["accelerator"], workers)
    return llama


def refused(tmp_path: Path, folders: list[Path]) -> Refusal:
    """Return why nothing is loaded; every rank has ended by itself then, with the same exit code."""
    with ranks_of(tmp_path, folders) as ranks:
        found = refusal(agreed(ranks)["told"])
        ranks.tell({"go": "end"})
        assert found is not None
        codes = set(ranks.leave())
        assert len(codes) == 1 and codes != {0}
    return found


def test_another_model_on_one_host(llama: Path, tmp_path: Path) -> None:
    other = model(tmp_path / "llama", layers=2)
    found = refused(tmp_path, [llama, other])
    assert (found.rank, found.code) == (1, "ranks_differ")
    assert found.message.startswith("its model is of ")


def test_no_model_on_one_host(llama: Path, tmp_path: Path) -> None:
    found = refused(tmp_path, [llama, llama, tmp_path / "none"])
    assert (found.rank, found.code) == (2, "model_not_found")


def test_a_model_that_the_policy_blocks_on_one_host(llama: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(llama, tmp_path / "llama")
    (damaged / "model-1.safetensors").write_bytes(b"")
    found = refused(tmp_path, [llama, damaged])
    assert (found.rank, found.code) == (1, "damaged_weights")
    assert (found.decision or {})["gate"] == "damaged-weights"


# What serves refuses the same of a pipeline, in test_serving.
@pytest.mark.parametrize("split", ["tensor", pytest.param("pipeline", marks=pytest.mark.long)])
def test_a_tensor_that_no_file_holds(split: str, tmp_path: Path) -> None:
    """mlx-lm's sharded_load takes random numbers for it, and the answer is wrong without a word."""
    lacking = model(tmp_path / "lacking", "qwen2")
    (lacking / "model-1.safetensors").unlink()
    index = lacking / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-1.safetensors", "model-0.safetensors"))
    with ranks_of(tmp_path, [lacking] * 2, split) as ranks:
        assert refusal(agreed(ranks)["told"]) is None  # by the files, and by an index that lies, nothing is missing
        ranks.tell({"go": "load"})
        with pytest.raises(LoaderError) as caught:
            ranks.leave()
    assert caught.value.code == "missing_tensors"
    assert "(127.0.0.1): no weight file holds `model.layers.1." in caught.value.message


# In the answer, as a person sees it, below.
@pytest.mark.parametrize(
    "when", ["before it decided", "at load", pytest.param("in the answer", marks=pytest.mark.long)]
)
def test_a_rank_that_is_killed(when: str, llama: Path, tmp_path: Path) -> None:
    with ranks_of(tmp_path, [llama] * 2, tokens=50_000) as ranks:
        pids = [one.process.pid for one in ranks._ranks]
        if when != "before it decided":
            assert refusal(agreed(ranks)["told"]) is None
        if when == "at load":
            os.kill(pids[1], signal.SIGSTOP)  # the others load, and wait for it
        if when != "before it decided":
            ranks.tell({"go": "load"})
        if when == "in the answer":
            while ranks.next().what != "text":  # type: ignore[union-attr]
                pass
        os.kill(pids[1], signal.SIGKILL)
        killed = time.monotonic()
        with pytest.raises(LoaderError) as caught:
            while True:
                ranks.next()
        assert time.monotonic() - killed < 1
    assert caught.value.code == "rank_failed"
    assert caught.value.message == "rank 1 (127.0.0.1) was ended by signal 9"
    assert all(not Path(f"/proc/{pid}").exists() for pid in pids)


# It has no answer to SIGTERM, and ends as by SIGKILL.
@pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGKILL])
def test_no_rank_is_left_behind(
    end: signal.Signals, asked_of: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with running(2, asked_of, "hi", "--max-tokens", "50000", "--hosts", hostfile(tmp_path)) as front:
        front.ranks()
        assert front.process.stdout is not None and front.process.stdout.read(1)
        front.process.send_signal(end)
        code = front.process.wait(5)
        assert code == (130 if end == signal.SIGINT else -end)
        assert front.none_left()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_rank_that_is_killed_as_a_person_sees_it(asked_of: Path, tmp_path: Path) -> None:
    with running(2, asked_of, "hi", "--max-tokens", "50000", "--hosts", hostfile(tmp_path)) as front:
        ranks = front.ranks()
        assert front.process.stdout is not None and front.process.stdout.read(1)
        os.kill(ranks[1], signal.SIGKILL)
        done = front.ended(5)
        assert front.none_left()
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("error[rank_failed]: rank 1 (127.0.0.1) was ended by signal 9")


def test_a_port_that_is_taken(llama: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ran(2, llama, "hi", "--hosts", hostfile(tmp_path), "--starting-port", str(port - 1))
    assert done.code == 2
    assert done.err.startswith(f"error[port_taken]: rank 1 (127.0.0.1): port {port} of 127.0.0.1 is taken")


def test_an_address_of_another_machine(llama: Path, tmp_path: Path) -> None:
    hosts = [LOCAL, {"ssh": "127.0.0.1", "ips": ["192.0.2.1"]}]
    done = ran(2, llama, "hi", "--hosts", hostfile(tmp_path, hosts=hosts))
    assert done.code == 2
    assert done.err.startswith("error[bad_address]: the ring cannot listen at `192.0.2.1`")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--split", "layers"], "`--split` is `layers`"),
        (
            ["--policy", "2.0.4"],
            "error[policy-of-one-machine]: the policy `mlx 2.0.4` has no rule for several machines",
        ),
        (["--image", "x.png"], "`--image` does not go with --hosts"),
        (["--language", "en"], "`--language` does not go with --hosts"),
        (["--starting-port", "65535"], "end beyond 65535"),
        (
            ["--split", "pipeline"],
            "blocked[unsupported_split]: every rank: mlx-lm does not split the type `llama`",
        ),
    ],
)
def test_what_cannot_be(words: list[str], told: str, llama: Path, tmp_path: Path) -> None:
    done = ran(2, llama, "hi", "--hosts", hostfile(tmp_path), *words)
    assert done.code in (1, 2) and told in done.err and done.out == ""


def test_what_needs_hosts(llama: Path) -> None:
    done = ran(1, llama, "hi", "--split", "tensor")
    assert (done.code, "give --hosts" in done.err) == (2, True)
