"""Programs from the outside: how long one takes, when its first line comes, what it and its children hold in memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PROC = Path("/proc")
_PAGE = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Run:
    """`cores`: processor time over time. `peak`: bytes of the process and its descendants, at most at one moment."""

    seconds: float
    first_line: float | None
    peak: int
    cores: float
    code: int


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    stdin: Path | None = None,
    stdout: Path | None = None,
    watch: bool = False,
) -> Run:
    """Run to the end. With `watch` the output is read for its first line, and memory is looked at 50 times a second."""
    with (
        (stdin or Path(os.devnull)).open("rb") as given,
        (stdout or Path(os.devnull)).open("wb") as output,
        tempfile.TemporaryFile() as errors,
    ):
        begin = time.perf_counter()
        pipe = subprocess.PIPE if watch else output
        process = subprocess.Popen(command, env=dict(environment), stdin=given, stdout=pipe, stderr=errors)
        memory = _Memory(process.pid) if watch and _PROC.is_dir() else None
        first_line = _drained(process.stdout, output, begin) if process.stdout is not None else None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            errors.seek(0)
            text = errors.read().decode("utf-8", "replace").strip()[-500:]
            raise RuntimeError(f"{Path(command[0]).name} ended with {process.returncode}: {text}")
        peak = memory.stop() if memory is not None else usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Run(seconds, first_line, peak, (usage.ru_utime + usage.ru_stime) / seconds, process.returncode)


def _drained(pipe: IO[bytes], output: IO[bytes], begin: float) -> float | None:
    line = pipe.readline()
    first_line = time.perf_counter() - begin if line else None
    output.write(line)
    while block := pipe.read(1 << 16):
        output.write(block)
    pipe.close()
    return first_line


class _Memory(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._peak, self._done = pid, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._done.wait(0.02):
            self._peak = max(self._peak, sum(map(_resident, _descendants(self._pid))))

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self._peak


def _descendants(pid: int) -> list[int]:
    try:
        text = " ".join(file.read_text() for file in _PROC.glob(f"{pid}/task/*/children"))
    except OSError:
        return [pid]
    return [pid, *(other for child in text.split() for other in _descendants(int(child)))]


def _resident(pid: int) -> int:
    # The pages of its own, and its share of those that a fork has in common with its parent.
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def clean_environment(home: Path) -> dict[str, str]:
    """An environment in which no setting of whoever runs the bench counts, and nothing of theirs is written to."""
    others = ("HF_", "MLXK", "XDG_", "HUGGING", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    places = {"XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "HF_HOME": "hf"}
    for name, place in places.items():
        (home / place).mkdir(parents=True, exist_ok=True)
        kept[name] = str(home / place)
    return kept | {"HF_HUB_CACHE": str(home / "hf" / "hub"), "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}


def program(name: str) -> str:
    """A program beside this Python."""
    return str(Path(sys.executable).parent / name)
