"""What the tests of several machines share: a hostfile, `run --hosts` as a program, its ranks by their process ids."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mlxk_rules.engine.cli.machines import run_on_hosts as front_module
from mlxk_rules.loaders.machines import hostfile as hostfiles
from mlxk_rules.loaders.ring import addresses
from mlxk_rules.loaders.ring.ranks import Ranks
from mlxk_rules.loaders.ring.start_command import Program

from ...command_line import COMMAND, ROOT, heeds_ctrl_c
from ..serve.running import children, is_alive, until

RANK = Program(f"{front_module.__package__}.rank")
PROMPT = "hi there you"
# A rank's words but for MODEL. It decides by the files alone: a dry run takes seconds a rank, and other tests hold it.
OPTIONS: dict[str, Any] = dict.fromkeys(("--context", "--image-size", "--policy"))
OPTIONS |= {"--image": [], "--audio": [], "--quick": True}
LOCAL = {"ssh": "127.0.0.1", "ips": ["127.0.0.1"]}


class Done(NamedTuple):
    """How a run ended."""

    code: int
    out: str
    err: str


def hostfile(folder: Path, count: int = 2, hosts: Sequence[object] | None = None) -> Path:
    """Write a hostfile of so many local ranks, or of these hosts; return it."""
    file = folder / "hosts.json"
    file.write_text(json.dumps({"backend": "ring", "hosts": list(hosts or [LOCAL] * count)}))
    return file


def ranks_of(folder: Path, models: Sequence[Path], split: str | None = None, tokens: int = 14) -> Ranks:
    """Return local ranks, each with a model of its own, as different hosts have it; the hostfile goes into `folder`."""
    hosts = hostfiles.read(hostfile(folder, len(models)))
    job = {
        "wanted": {"max_tokens": tokens},
        "prompt": PROMPT,
        "split": split,
        "ring": addresses.of_ranks(hosts),
        "hosts": hosts,
    }
    jobs = [{**job, "rank": rank, "options": {**OPTIONS, "MODEL": str(model)}} for rank, model in enumerate(models)]
    return Ranks(hosts, RANK, jobs)


def agreed(ranks: Ranks) -> dict[str, Any]:
    """Let the ranks decide and join; return what rank 0 says of it."""
    ranks.tell({"machines": ranks.each("machine", 60, "")})
    ranks.each("ready", 60, "")
    ranks.tell({"go": "join"})
    return ranks.each("agreed", 30, "")[0]


class Front:
    """`mlxk-rules run --hosts` as it runs."""

    def __init__(self, process: subprocess.Popen[str], count: int) -> None:
        self.process, self._count = process, count
        self.seen: set[int] = set()

    def ranks(self) -> list[int]:
        """Wait for all ranks, and return their process ids in order."""
        found: list[int] = until(self._all)
        self.seen |= set(found)
        return found

    def _all(self) -> list[int] | None:
        found = children(self.process.pid)
        return sorted(found) if len(found) == self._count else None

    def ended(self, seconds: float = 60) -> Done:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=seconds)
        return Done(self.process.returncode, out, err)

    def none_left(self, seconds: float = 5) -> bool:
        """Whether every rank that was seen ends within a time."""
        end = time.monotonic() + seconds
        while alive := [pid for pid in self.seen if is_alive(pid)]:
            if time.monotonic() > end:
                return not alive
            time.sleep(0.02)
        return True


@contextmanager
def running(count: int, *words: str | Path) -> Generator[Front]:
    """While open, `run` with these words runs."""
    process = subprocess.Popen(
        [*COMMAND, "run", *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=heeds_ctrl_c,
    )
    try:
        yield Front(process, count)
    finally:
        process.kill()
        process.communicate()


def ran(count: int, *words: str | Path) -> Done:
    """Run to the end."""
    with running(count, *words) as front:
        return front.ended()
