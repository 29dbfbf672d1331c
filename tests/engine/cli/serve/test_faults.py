"""What is held when something breaks: children killed, clients gone, the server killed, bodies that do not come."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from ...command_line import HELLO, ROOT
from .running import QUICK, Running, children, endless, is_alive, running, until

pytestmark = pytest.mark.slow

ENDLESS = endless(ROOT / HELLO)


def child_of(server: Running) -> int:
    (pid,) = children(server.process.pid)
    return pid


def test_a_server_from_its_first_answer_to_its_end(tmp_path: Path) -> None:
    """One claim after another of the same server: a child takes as long to load as a test."""
    folder = shutil.copytree(HELLO, tmp_path / "mine")
    with (
        TemporaryDirectory() as place,  # whose path is short enough for a socket
        running(HELLO, folder, "--only", *QUICK, TMPDIR=place) as server,
    ):
        two_first_requests_load_once(server)
        nobody_else_can_ask_a_child(server)
        for stream in (True, False):
            a_client_that_goes_away_frees_the_model(server, stream)
        a_child_killed_in_the_midst_is_an_error_and_the_next_request_answered(server)
        the_client_says_so(server)
        a_child_killed_before_its_answer(server)
        a_folder_that_changes_is_loaded_anew(server, folder)
        a_killed_server_leaves_nobody(server)
        assert os.listdir(place) == []


def two_first_requests_load_once(server: Running) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(server.chat("hello").status_code)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert sum("loaded hello" in line for line in server.said) == 1


def nobody_else_can_ask_a_child(server: Running) -> None:
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


def a_client_that_goes_away_frees_the_model(server: Running, stream: bool) -> None:
    body = json.dumps({**ENDLESS, "stream": stream})
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as one:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        one.sendall((head + body).encode())
        until(lambda: server.status()["resident"][0]["answering"] == 1)
    until(lambda: server.status()["resident"][0]["answering"] == 0, 3)
    assert server.chat("hello").status_code == 200


def a_child_killed_in_the_midst_is_an_error_and_the_next_request_answered(server: Running) -> None:
    events = server.events(ENDLESS, 5, lambda: os.kill(child_of(server), signal.SIGKILL))
    assert events[-1]["error"]["code"] == "worker_died"
    assert "[DONE]" not in events
    assert server.chat("hello").status_code == 200


def the_client_says_so(server: Running) -> None:
    import openai

    client = server.client()
    with pytest.raises(openai.APIError) as caught:
        for count, _ in enumerate(client.chat.completions.create(**ENDLESS, stream=True)):
            if count == 5:
                os.kill(child_of(server), signal.SIGKILL)
    assert caught.value.code == "worker_died"


def a_child_killed_before_its_answer(server: Running) -> None:
    server.chat("hello")
    os.kill(child_of(server), signal.SIGKILL)
    assert server.chat("hello").status_code in (200, 502)
    assert server.chat("hello").status_code == 200


def a_folder_that_changes_is_loaded_anew(server: Running, folder: Path) -> None:
    assert server.chat("mine").status_code == 200
    first = next(one["pid"] for one in server.status()["resident"] if one["model"] == "mine")
    (folder / "notes.txt").write_text("another\n")
    assert server.chat("mine").status_code == 200
    until(lambda: not is_alive(first))
    shutil.rmtree(folder)
    assert server.chat("mine").status_code in (404, 409, 501)


def a_killed_server_leaves_nobody(server: Running) -> None:
    server.chat("hello")
    pids = children(server.process.pid)
    assert pids
    server.process.kill()
    until(lambda: not any(map(is_alive, pids)), 5)


def test_it_ends_in_order_while_it_answers() -> None:
    with running(HELLO, "--only", *QUICK) as server:

        def end() -> None:
            os.kill(child_of(server), signal.SIGSTOP)  # so that the answer takes longer than anybody waits
            server.process.send_signal(signal.SIGTERM)

        server.chat("hello")
        started = time.monotonic()
        with suppress(httpx2.HTTPError):
            server.events(ENDLESS, 1, end)
        assert server.process.wait(10) in (0, -signal.SIGTERM)
        assert time.monotonic() - started < 9
