"""The decision log: JSON lines of facts, which `decide` and `diff --facts` read, each with what was decided of them."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..asked.request_body import Asked
from ..deciding import Decided
from .current_policy import Rules

MAX_BYTES, KEPT = 64 << 20, 5
_WAITING = 10_000  # lines; what a slow disk does not take is counted and left out
_END: Any = None


def line_of(id: str, asked: Asked, decided: Decided, rules: Rules, prompts: bool = False) -> dict[str, Any]:
    """Return a line: the facts, and beside them below `logged` id, time, policy, decision and milliseconds.

    Nothing of what was asked is in it, unless `prompts`: then the body is.
    """
    now = time.time()
    logged: dict[str, Any] = {
        "id": id,
        "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03}Z",
        "model": asked.model,
        "policy": {"name": rules.policy.name, "version": rules.policy.version, "digest": rules.digest},
        "decision": decided.decision.to_dict(),
        "milliseconds": round(decided.seconds * 1000, 3),
    }
    if prompts:
        logged["body"] = asked.body
    return {**decided.facts, "logged": logged}


def masked(line: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a line in which these facts are not told: a text is `masked`, anything else null."""
    for name in names:
        line = _masked(line, name.split("."))
    return line


def _masked(value: dict[str, Any], path: list[str]) -> dict[str, Any]:
    first, *rest = path
    if first not in value:
        return value
    inner = value[first]
    if rest:
        return {**value, first: _masked(inner, rest)} if isinstance(inner, dict) else value
    return {**value, first: "masked" if isinstance(inner, str) else None}


class DecisionLog:
    """Writes lines in a thread of its own: no answer waits for a disk."""

    def __init__(self, file: Path, say: Callable[[str], None]) -> None:
        """say: takes a line about what cannot be written. Raises OSError where the file cannot be opened."""
        self._file, self._say = file, say
        self.lost = 0
        self._lines: queue.Queue[Any] = queue.Queue(_WAITING)
        self._size = self._opened()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def write(self, line: dict[str, Any]) -> None:
        """Take a line, to be written soon."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lose("the disk does not keep up")

    def close(self) -> None:
        """Write what waits, for some seconds at most."""
        try:
            self._lines.put(_END, timeout=1)
        except queue.Full:
            return
        self._thread.join(5)

    def _work(self) -> None:
        while (line := self._lines.get()) is not _END:
            try:
                self._write(json.dumps(line, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n")
            except (OSError, ValueError) as error:
                self._lose(getattr(error, "strerror", None) or str(error))

    def _write(self, line: bytes) -> None:
        if self._size and self._size + len(line) > MAX_BYTES:
            self._rotate()
        with open(self._file, "ab", opener=_opener) as opened:
            # A line that a full disk cut short is ended before the next, which would else be lost with it.
            before = opened.tell()
            try:
                opened.write(line)
                opened.flush()
            except OSError:
                os.truncate(opened.fileno(), before)
                raise
        self._size = before + len(line)

    def _rotate(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            older = self._file.with_name(f"{self._file.name}.{number}")
            if older.exists():
                older.replace(self._file.with_name(f"{self._file.name}.{number + 1}"))
        self._file.replace(self._file.with_name(f"{self._file.name}.1"))
        self._size = 0

    def _opened(self) -> int:
        with open(self._file, "ab", opener=_opener) as opened:
            return opened.tell()

    def _lose(self, why: str) -> None:
        self.lost += 1
        if self.lost & (self.lost - 1) == 0:  # 1, 2, 4, 8: a full disk fills no terminal
            self._say(f"{self.lost} lines are missing in the decision log: {why}")


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # what was asked for is nobody else's to read
