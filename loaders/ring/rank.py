"""The process that is one rank: it decides on its own machine, hears the others, and loads only where all agree.

The job is the first line of standard input. What it says are lines of JSON on standard output, one key each: `machine`
(what this one has), `ready` (it decided, knowing what all have, and its ports are free), `agreed` (rank 0: what each
told), `loaded`, `text` (rank 0), `end`, or `error`. After `machine`, `ready` and `agreed` it
goes on at the next line of its input, after `end` it leaves at it, and it ends at once when its input closes. A job
that is to `serve` has neither `text` nor `end`: see `serving`.
"""

from __future__ import annotations

import json
import queue
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ..backends.failure import backend_error
from ..backends.running import Session
from ..backends.surroundings import end_process, own_output, silence
from ..dry_run import guard
from ..machines.machine import Machine, of_facts
from .addresses import refuse_taken
from .agreement import packed, refusal, unpacked
from .ask_machines import this_one
from .ranks import BEAT, PLACE, SILENCE_SECONDS
from .serving.outside import Outside
from .serving.rank_server import Share, listening_in, no_longer_listening, serve
from .sharded import Split, open_share, ring_of, told_by_all

_PREFIX = "mlxk-rules-rank-"
REFUSED = 1


class Decided(NamedTuple):
    """What a rank found out on its own machine: what it tells the others, and how it would load and answer.

    folder: the model's, or empty where there is none. split: how it is shared, None as mlx-lm chooses. session: makes
    the session, given what opens the folder; None where nothing is to be loaded. answer: the pieces of a session's
    answer, None where the job is to serve.
    """

    told: dict[str, Any]
    folder: str = ""
    split: Split | None = None
    session: Callable[[Callable[[Path], Any]], Session] | None = None
    answer: Callable[[Session], Iterator[str]] | None = None


Decide = Callable[[Mapping[str, Any], Sequence[Machine]], Decided]


def main(decide: Decide) -> None:
    """Be a rank. `decide` takes the job and what each host has; it raises nothing: an error is something to tell."""
    said = own_output()
    place = Path(tempfile.mkdtemp(prefix=_PREFIX))
    tempfile.tempdir = str(place)

    def say(what: str, value: Any = None) -> None:
        said.write(f"{json.dumps({what: value})}\n")
        said.flush()

    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines, place), daemon=True).start()

    def fail(error: BaseException) -> NoReturn:
        found = backend_error("mlx", "load", error, place)
        with suppress(OSError):  # nobody hears it any more: to end without the other thread would cut its tidying short
            say("error", {"code": found.code, "message": found.message, "help": found.help})
        _end(place, REFUSED)

    try:
        job = json.loads(lines.get())
        silence(2)
        code = _work(job, decide, Outside(say, fail, lines), place)
    except BaseException as error:  # a model's module may call sys.exit
        fail(error)
    _end(place, code)


def _work(
    job: Mapping[str, Any],
    decide: Decide,
    outside: Outside,
    place: Path,
) -> int:
    rank, ring, serving = int(job["rank"]), job["ring"], job.get("serve")
    say, _, lines = outside
    say("machine", this_one())
    decided = decide(job, [of_facts(one) for one in json.loads(lines.get())["machines"]])
    refuse_taken(ring[rank])
    hostfile = place / "ring.json"
    hostfile.write_text(json.dumps(ring), "utf-8")
    door = listening_in(place.parent) if serving and rank == 0 else None
    with guard.closed(
        decided.folder or str(place / "none"), "a rank"
    ):  # the ring's own connections are made by MLX, which no hook sees
        say("ready")
        lines.get()
        group = ring_of(hostfile)
        told = [unpacked(message) for message in told_by_all(packed(decided.told), group)]
        refused = refusal(told)
        say("agreed", {"told": told} if rank == 0 else None)
        lines.get()
        if refused is not None or decided.session is None or not (serving or decided.answer):
            say("end")
            lines.get()
            return REFUSED
        if serving:
            serve(Share(decided.session, decided.split, door), outside, **serving)
        assert decided.answer is not None
        session = decided.session(lambda folder: open_share(folder, decided.split, group))
        session.load()
        say("loaded")
        for piece in decided.answer(session):
            if rank == 0:
                say("text", piece)
        say("end", session.report._asdict())
        lines.get()  # others may still be at their last token, for which they need this rank
    return 0


def _listen(lines: queue.SimpleQueue[str], place: Path) -> None:
    heard = [0.0]
    for line in sys.stdin:
        if line != BEAT:
            lines.put(line)
            continue
        if not heard[0]:  # whoever beats once goes on beating
            threading.Thread(target=_end_in_silence, args=(heard, place), daemon=True).start()
        heard[0] = time.monotonic()
    _end(place, REFUSED)


def _end_in_silence(heard: list[float], place: Path) -> None:
    """A cable that was pulled closes no input: sshd would keep the rank for hours."""
    while not heard[0] or time.monotonic() - heard[0] < SILENCE_SECONDS:
        time.sleep(1)
    _end(place, REFUSED)


def _end(place: Path, code: int) -> NoReturn:
    end_process(code, lambda: _tidy(place))


def _tidy(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    no_longer_listening()
    if place.parent.name.startswith(PLACE):  # where whoever started it was killed, the last rank leaves nothing
        with suppress(OSError):
            place.parent.rmdir()
