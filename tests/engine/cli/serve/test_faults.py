"""What is held when something breaks: children killed, clients gone, the server killed, bodies that do not come."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path

import httpx2
import openai
import pytest

from ...command_line import HELLO, ROOT
from .running import QUICK, Running, children, is_alive, running, until

pytestmark = pytest.mark.slow

# The end's token forbidden, the example goes on for as long as it is let.
END = json.loads((ROOT / HELLO / "config.json").read_bytes())["eos_token_id"]
ENDLESS = {"logit_bias": {str(END): -1000}, "max_tokens": 100_000}


@pytest.fixture
def server() -> Generator[Running]:
    with running(HELLO, "--only", *QUICK) as server:
        yield server


def endless(server: Running, after: int, then: object = None) -> list[str]:
    """The events of an answer without an end, up to where the stream ends; `then` is called after so many."""
    events: list[str] = []
    body = {"model": "hello", "messages": [{"role": "user", "content": "Hi"}], "stream": True, **ENDLESS}
    with server.http.stream("POST", "/v1/chat/completions", json=body) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                events.append(line[6:])
                if len(events) == after and callable(then):
                    then()
    return events


def child_of(server: Running) -> int:
    (pid,) = children(server.process.pid)
    return pid


def test_a_child_killed_in_the_midst_is_an_error_and_the_next_request_answered(server: Running) -> None:
    server.chat("hello")
    events = endless(server, 5, lambda: os.kill(child_of(server), signal.SIGKILL))
    assert json.loads(events[-1])["error"]["code"] == "worker_died"
    assert "[DONE]" not in events
    assert server.chat("hello").status_code == 200


def test_the_client_says_so(server: Running) -> None:
    server.chat("hello")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    with pytest.raises(openai.APIError) as caught:
        for count, _ in enumerate(client.chat.completions.create(
            model="hello", messages=[{"role": "user", "content": "Hi"}], stream=True, max_tokens=100_000,
            logit_bias={str(END): -1000},
        )):  # fmt: skip
            if count == 5:
                os.kill(child_of(server), signal.SIGKILL)
    assert caught.value.code == "worker_died"


def test_a_child_killed_before_its_answer(server: Running) -> None:
    server.chat("hello")
    os.kill(child_of(server), signal.SIGKILL)
    assert server.chat("hello").status_code in (200, 502)
    assert server.chat("hello").status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_frees_the_model(stream: bool, server: Running) -> None:
    server.chat("hello")
    body = json.dumps({"model": "hello", "messages": [{"role": "user", "content": "Hi"}], "stream": stream, **ENDLESS})
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as one:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        one.sendall((head + body).encode())
        until(lambda: server.status()["resident"][0]["answering"] == 1)
    until(lambda: server.status()["resident"][0]["answering"] == 0, 3)
    assert server.chat("hello").status_code == 200


def test_a_killed_server_leaves_nobody(server: Running, tmp_path: Path) -> None:
    server.chat("hello")
    pid = child_of(server)
    place = next(Path("/tmp").glob("mlxk-rules-serve-*"), None)
    server.process.kill()
    until(lambda: not is_alive(pid), 5)
    assert place is None or until(lambda: not place.exists() or place.stat().st_uid == os.getuid())


def test_it_ends_in_order_while_it_answers(server: Running) -> None:
    server.chat("hello")
    threading.Timer(1, lambda: server.process.send_signal(signal.SIGTERM)).start()
    started = time.monotonic()
    try:
        endless(server, 1)
    except httpx2.HTTPError:
        pass
    assert server.process.wait(10) in (0, -signal.SIGTERM)
    assert time.monotonic() - started < 9


def test_a_folder_that_changes_is_loaded_anew(tmp_path: Path) -> None:
    folder = shutil.copytree(HELLO, tmp_path / "mine")
    with running(folder, "--only", *QUICK) as server:
        assert server.chat("mine").status_code == 200
        first = child_of(server)
        (folder / "notes.txt").write_text("another\n")
        assert server.chat("mine").status_code == 200
        until(lambda: not is_alive(first))
        shutil.rmtree(folder)
        assert server.chat("mine").status_code in (404, 409, 501)


def test_two_first_requests_load_once(server: Running) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(server.chat("hello").status_code)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert sum("loaded hello" in line for line in server.said) == 1


def test_nobody_else_can_ask_a_child(server: Running) -> None:
    server.chat("hello")
    pid = child_of(server)
    listening = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    inodes = {line[9] for line in listening if line[3] == "0A"}
    own = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(os.readlink(link))
        except OSError:
            continue
    assert not {f"socket:[{inode}]" for inode in inodes} & own, "a child listens at no port"
