"""The load: clients that ask, go away, send nonsense or nothing, while children die and the rule file changes."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from ..engine.cli.serve.running import children
from ..tiny.text import text

ANSWERS = {
    "sky": "The sky is blue and the sea is too.",
    "tea": "Tea wants water that has just boiled once.",
    "fox": "Foxes run when nobody looks.",
}
# A refusal that a client may see of a sound request, and none else.
_EXPECTED = {"worker_died", "busy", "too_many_requests"}
_PAGE = 4096


def models(folder: Path) -> list[Path]:
    """Three tiny models, each with an answer of its own."""
    return [text(folder / name, answer) for name, answer in ANSWERS.items()]


class Soak:
    """One run against a server. `wrong` is what may not be; `seen` counts all that happened."""

    def __init__(self, url: str, pid: int, rule_file: Path, seconds: float, clients: int, idle: int) -> None:
        self.url, self.pid, self.rule_file = url, pid, rule_file
        self.seconds, self.clients, self.idle = seconds, clients, idle
        self.seen: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.times: list[float] = []
        self.memory: list[tuple[float, int]] = []
        self._end = 0.0

    async def run(self) -> None:
        """Load the server for so many seconds."""
        _many_files()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=self.clients)
        async with httpx2.AsyncClient(base_url=self.url, timeout=120, limits=limits) as http:
            for name in ANSWERS:  # loaded, each once
                await self._ask(http, random.Random(0), name, False)
            self._end = time.monotonic() + self.seconds
            work = [self._client(http, number) for number in range(self.clients)]
            await asyncio.gather(*work, self._kill(), self._rewrite(), self._look(), self._nonsense(http), self._idle())
            for name in ANSWERS:  # and all of it is over
                before = self.seen["answered"]
                await self._ask(http, random.Random(0), name, False)
                if self.seen["answered"] == before:
                    self.wrong["not answered once all was over"] += 1

    def figures(self) -> dict[str, Any]:
        """Return what was seen, as plain JSON data; times in seconds, memory in bytes."""
        self.times.sort()
        middle = statistics.median(self.times) if self.times else None
        most = self.times[int(len(self.times) * 0.99)] if self.times else None
        third = max(1, len(self.memory) // 3)
        memory = [size for _, size in self.memory]
        return {
            "seconds": self.seconds,
            "clients": self.clients,
            "seen": dict(self.seen),
            "wrong": dict(self.wrong),
            "answer_seconds_median": middle,
            "answer_seconds_99_percent": most,
            "server_bytes_second_third": statistics.median(memory[third : 2 * third] or memory),
            "server_bytes_last_third": statistics.median(memory[2 * third :] or memory),
        }

    async def _client(self, http: httpx2.AsyncClient, number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < self._end:
            await self._ask(http, chance, chance.choice(list(ANSWERS)), number % 2 == 1)

    async def _ask(self, http: httpx2.AsyncClient, chance: random.Random, model: str, leaves: bool) -> None:
        stream = leaves or chance.random() < 0.5
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream, "max_tokens": 40}
        started = time.monotonic()
        try:
            async with http.stream("POST", "/v1/chat/completions", json=body) as response:
                if response.status_code != 200:
                    self._refused(json.loads(await response.aread()))
                elif not stream:
                    self._answered(
                        model, json.loads(await response.aread())["choices"][0]["message"]["content"], started
                    )
                else:
                    await self._stream(response, model, chance.randint(1, 5) if leaves else 0, started)
        except httpx2.HTTPError as error:
            self.wrong[f"connection: {type(error).__name__}"] += 1

    async def _stream(self, response: httpx2.Response, model: str, leave: int, started: float) -> None:
        pieces: list[str] = []
        events = 0
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            events += 1
            if line == "data: [DONE]":
                self._answered(model, "".join(pieces), started)
                return
            chunk = json.loads(line[6:])
            if "error" in chunk:
                self._refused(chunk)
                return
            pieces += [choice["delta"].get("content") or "" for choice in chunk["choices"]]
            if leave and events >= leave:
                self.seen["left"] += 1
                return
        self.wrong["a stream without an end"] += 1

    def _answered(self, model: str, answer: str, started: float) -> None:
        self.seen["answered"] += 1
        self.times.append(time.monotonic() - started)
        if answer != ANSWERS[model]:
            self.wrong[f"{model} answered: {answer[:80]}"] += 1

    def _refused(self, told: dict[str, Any]) -> None:
        code = told.get("error", {}).get("code")
        self.seen[f"refused: {code}"] += 1
        # A child that is killed while it loads is no other's fault than ours.
        killed = code == "backend_failed" and "ended by signal 9" in told["error"]["message"]
        if not (killed or code in _EXPECTED) or not told["error"].get("message"):
            self.wrong[f"refused: {told}"[:200]] += 1

    async def _kill(self) -> None:
        while time.monotonic() + 10 < self._end:
            await asyncio.sleep(10)
            if below := children(self.pid):
                os.kill(random.choice(below), signal.SIGKILL)
                self.seen["children killed"] += 1

    async def _rewrite(self) -> None:
        text, number = self.rule_file.read_text(), 0
        while time.monotonic() + 1 < self._end:
            await asyncio.sleep(1)
            number += 1
            new = self.rule_file.with_suffix(".new")
            new.write_text(text.replace("1.0.0", f"1.0.{number}") + ("gates: [" if number % 3 == 0 else ""))
            new.replace(self.rule_file)
            self.seen["rule files"] += 1
        self.rule_file.write_text(text)

    async def _look(self) -> None:
        while time.monotonic() < self._end:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            self.memory.append((time.monotonic(), pages * _PAGE))
            await asyncio.sleep(1)

    async def _nonsense(self, http: httpx2.AsyncClient) -> None:
        bodies = [b"{", b"[" * 50_000, b"\xff", b"{}", b" " * 50_000_000]
        while time.monotonic() + 2 < self._end:
            for body in bodies:
                try:
                    response = await http.post("/v1/chat/completions", content=body)
                    good = response.status_code in (400, 413, 503) and response.json()["error"]["code"]
                    self.seen["nonsense refused"] += 1
                    if not good:
                        self.wrong[f"nonsense: {response.status_code}"] += 1
                except httpx2.HTTPError:
                    self.seen["nonsense cut off"] += 1
            await asyncio.sleep(2)

    async def _idle(self) -> None:
        """Connections on which nobody says anything, or half a head: they are ended, and harm nobody."""
        host, port = self.url.removeprefix("http://").split(":")
        opened: list[asyncio.StreamWriter] = []
        try:
            for number in range(self.idle):
                _, writer = await asyncio.open_connection(host, int(port))
                if number % 2:
                    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: ")
                opened.append(writer)
                if number % 200 == 199:
                    await asyncio.sleep(0)
            self.seen["idle connections"] = len(opened)
        except OSError as error:
            self.wrong[f"idle connections: {error.strerror}"] += 1
        while time.monotonic() < self._end:
            await asyncio.sleep(0.5)
        for writer in opened:
            writer.close()


def _many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
