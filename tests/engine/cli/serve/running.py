"""A server as a person starts it: a process of its own, at a free port."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from ...command_line import COMMAND, ROOT

if TYPE_CHECKING:  # it takes a second to import, and most tests do without
    from openai import OpenAI

# The frozen policy asks no backend before it decides: the first answer is there in two seconds.
QUICK = ("--policy", "2.0.4")


class Running:
    """A server that runs: where it is, what it said, and its process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url
        self.http = httpx2.Client(base_url=url, timeout=120)
        self.said: list[str] = []
        self.ear = threading.Thread(target=self._listen, daemon=True)
        self.ear.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))

    def ask(self, path: str = "/v1/chat/completions", **body: Any) -> httpx2.Response:
        """Post a body, by default a chat's."""
        return self.http.post(path, json=body)

    def chat(self, model: str, text: str = "Hi there", **more: Any) -> httpx2.Response:
        return self.ask(model=model, messages=[{"role": "user", "content": text}], **more)

    def events(self, body: dict[str, Any], after: int, then: Callable[[], object]) -> list[Any]:
        """The events of a chat's stream, to its end; `then` is called after so many."""
        found: list[Any] = []
        with self.http.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    found.append(line[6:] if line.endswith("[DONE]") else json.loads(line[6:]))
                    if len(found) == after:
                        then()
        return found

    def client(self) -> OpenAI:
        """Return the real client of this server."""
        from openai import OpenAI

        return OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)

    def status(self) -> dict[str, Any]:
        return self.http.get("/status").json()

    def resident(self) -> list[str]:
        return sorted(one["model"] for one in self.status()["resident"] if not one["loading"])


def endless(folder: Path) -> dict[str, Any]:
    """A chat whose answer goes on for as long as it is let: the token that would end it is forbidden."""
    end = json.loads((folder / "config.json").read_bytes())["eos_token_id"]
    said = [{"role": "user", "content": "Hi"}]
    return {"model": folder.name, "messages": said, "logit_bias": {str(end): -1000}, "max_tokens": 100_000}


def until(holds: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.05)
    return found


def children(pid: int) -> list[int]:
    """The processes that a process started, whichever of its threads did; not yet those that are still its fork."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, file.read_text().split())
    return sorted(one for one in found if _program(one) != _program(pid))


def _program(pid: int) -> bytes:
    """The words of its command line; none where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def running(*words: str | Path, **environment: str) -> Generator[Running]:
    """While open, `mlxk-rules serve` runs; afterwards it has ended, and with it every child."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    below: list[int] = []
    server: Running | None = None
    try:
        assert process.stdout is not None and process.stderr is not None
        assert select.select([process.stdout], [], [], 30)[0]
        line = process.stdout.readline()
        found = re.match(r"(http://\S+:\d+)/v1\n", line)
        assert found, line + process.stderr.read()
        server = started = Running(process, found[1])
        until(lambda: _answers(started))
        yield server
        below = children(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            if server is not None:
                server.ear.join()
                server.http.close()
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                stream.close()
    until(lambda: not any(map(is_alive, below)))


def _answers(server: Running) -> bool:
    try:
        return server.http.get("/health/live").status_code == 200
    except httpx2.HTTPError:
        return False
