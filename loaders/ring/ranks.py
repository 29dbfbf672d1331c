"""The ranks as they run: started together, heard together, ended together; whichever fails is told of at once.

A rank is asked by lines of JSON on its standard input, and answers by lines of JSON on its standard output. It ends
when its input closes, and so with this process, whatever ends that one: over ssh too, since ssh passes the end on.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from ..backends.failure import printable
from ..machines.hostfile import Host, Hosts
from ..problems import LoaderError
from .ending import ended
from .start_command import Program, command, environment, settable

PLACE = "mlxk-rules-ranks-"  # the folder of those on this machine begins so
_MAX_LINE = 1 << 20
_MAX_SAID = 4096  # of what a rank says on standard error, the end is kept
_MAX_NOISE = 1 << 16  # bytes of lines that are none of ours, as a shell's profile prints them
# How long others are heard once one failed: what they say tells which was first. A rank's peers fail within 0.2 s.
_AFTERMATH_SECONDS = 0.4
_LEAVE_SECONDS = 0.5
# What ranks on other machines hear every so often, and after how long without it they end.
BEAT = "{}\n"
_BEAT_SECONDS = 3.0
SILENCE_SECONDS = 20.0
_LOST_PEER = "connection to a peer was lost"


class Event(NamedTuple):
    """What a rank said: one object with one key."""

    rank: int
    what: str
    value: Any


class _Process:
    """One rank's process, and what of its output was not read as a line yet."""

    def __init__(self, host: Host, words: list[str], variables: list[str], place: str) -> None:
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment([*variables, f"TMPDIR={place}"] if host.is_local else []),
            start_new_session=True,  # Ctrl-C is the parent's to act on
        )
        self.out, self.said, self.noise = b"", b"", 0
        self.was_heard = self.is_done = False

    def lines(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The objects in what came. Raises ValueError where a line is longer than any of ours."""
        *lines, self.out = (self.out + chunk).split(b"\n")
        if len(self.out) > _MAX_LINE:
            raise ValueError
        for line in lines:
            try:
                value: object = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict) and len(value) == 1:
                yield value
                continue
            self.noise += len(line)
            if self.noise > _MAX_NOISE:
                raise ValueError

    def hear_error(self, chunk: bytes) -> None:
        self.said = (self.said + chunk)[-_MAX_SAID:]

    @property
    def last_words(self) -> str:
        """The last line on standard error, safe to print; ssh tells there why it reached nobody."""
        lines = [line for line in map(printable, self.said.decode("utf-8", "replace").splitlines()) if line]
        return lines[-1][:300] if lines else ""


class Ranks:
    """The processes of a ring. Everything in them ends with the `with` block."""

    def __init__(
        self,
        hosts: Hosts,
        program: Program,
        jobs: Sequence[Mapping[str, Any]],
        names: Sequence[str] | None = None,
    ) -> None:
        """jobs: each rank's, in their order; a job is one object of plain JSON. names: what messages call the ranks."""
        self._names = names or [f"rank {rank} ({host.ssh})" for rank, host in enumerate(hosts.hosts)]
        self.hosts = hosts.hosts
        self._variables = settable(hosts)[0]
        self._program, self._jobs = program, jobs
        self._ranks: list[_Process] = []
        self._selector = selectors.DefaultSelector()
        self._place = tempfile.TemporaryDirectory(prefix=PLACE, ignore_cleanup_errors=True)
        self._events: deque[Event] = deque()
        self._writing, self._ended = threading.Lock(), threading.Event()

    def __enter__(self) -> Ranks:
        try:
            for rank, (host, job) in enumerate(zip(self.hosts, self._jobs, strict=True)):
                variables = [*self._variables, f"MLX_RANK={rank}"]
                one = _Process(host, command(host, self._program, variables), variables, self._place.name)
                self._ranks.append(one)
                for stream, hears in ((one.process.stdout, True), (one.process.stderr, False)):
                    assert stream is not None
                    os.set_blocking(stream.fileno(), False)
                    self._selector.register(stream, selectors.EVENT_READ, (rank, hears))
                self._write(one, job)
        except BaseException:
            self.end()
            raise
        if not all(host.is_local for host in self.hosts):
            threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def name(self, rank: int) -> str:
        """What a rank is called in a message."""
        return self._names[rank]

    def pid(self, rank: int) -> int:
        """The id of a rank's process here, which is ssh's where the rank is elsewhere."""
        return self._ranks[rank].process.pid

    def tell(self, what: Mapping[str, Any], but: int | None = None) -> None:
        """Send every rank a line, `but` one where that is given."""
        for rank, one in enumerate(self._ranks):
            if rank != but:
                self._write(one, what)

    def kill(self) -> None:
        """End what runs here at once, also from another thread than the one that hears the ranks, which is told so."""
        for one in list(self._ranks):
            if one.process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(one.process.pid, signal.SIGKILL)

    def each(self, what: str, seconds: float, help: str) -> list[Any]:
        """What each rank says under this name, in their order.

        Raises LoaderError: rank_failed, rank_silent (after `seconds`, with this help), or as a rank says.
        """
        found: dict[int, Any] = {}
        deadline = time.monotonic() + seconds
        while len(found) < len(self._ranks):
            event = self.next(deadline)
            if event is None:
                late = [self.name(rank) for rank in range(len(self._ranks)) if rank not in found]
                message = (
                    f"{late[0]}{f' and {len(late) - 1} more' * (len(late) > 1)} did not answer within {seconds:g} s"
                )
                raise LoaderError("rank_silent", message, help)
            if event.what == what:
                found[event.rank] = event.value
        return [found[rank] for rank in sorted(found)]

    def next(self, deadline: float | None = None) -> Event | None:
        """The next thing that a rank says; None at the deadline, of time.monotonic(), and once all said `end`.

        Raises LoaderError: rank_failed where one ended that had not said `end`, or what a rank says is an error.
        """
        while not self._events:
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or all(one.is_done for one in self._ranks):
                return None
            for rank in self._heard(left):
                self._closed(rank)
        event = self._events.popleft()
        if event.what == "error":
            raise self._failure(event.rank, event.value)
        return event

    def leave(self) -> list[int]:
        """Let all ranks go, which said `end` or are about to; their exit codes."""
        while self.next() is not None:
            pass
        self.tell({"go": "end"})
        return [one.process.wait() for one in self._ranks]

    def end(self) -> None:
        """End every rank that is left. Returns once none of their processes is."""
        self._ended.set()
        for one in self._ranks:
            with suppress(OSError):
                cast("Any", one.process.stdin).close()  # a rank behind ssh ends by that
        until = time.monotonic() + _LEAVE_SECONDS
        for one in self._ranks:
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(max(0.0, until - time.monotonic()))
        for one in self._ranks:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()
            for stream in (one.process.stdout, one.process.stderr):
                cast("Any", stream).close()
        self._ranks = []
        self._selector.close()
        self._place.cleanup()

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT_SECONDS):
            for host, one in zip(self.hosts, list(self._ranks), strict=False):
                if not host.is_local:
                    self._write(one, {})

    def _write(self, one: _Process, what: Mapping[str, Any]) -> None:
        with suppress(OSError, ValueError), self._writing:  # it died, as its output tells, or was ended meanwhile
            stdin = cast("Any", one.process.stdin)
            stdin.write(json.dumps(what).encode() + b"\n")
            stdin.flush()

    def _heard(self, seconds: float | None) -> list[int]:
        """Take in what came; the ranks whose output ended."""
        ended: list[int] = []
        for key, _ in self._selector.select(seconds):
            rank, hears = key.data
            one = self._ranks[rank]
            chunk = os.read(key.fd, 1 << 16)
            if not chunk:
                self._selector.unregister(key.fileobj)
                ended += [rank] if hears else []
            elif hears:
                try:
                    for said in one.lines(chunk):
                        ((what, value),) = said.items()
                        one.was_heard, one.is_done = True, one.is_done or what == "end"
                        self._events.append(Event(rank, what, value))
                except ValueError:
                    self._selector.unregister(key.fileobj)
                    self._events.append(
                        Event(rank, "error", {"code": "rank_failed", "message": "it says no words of ours"})
                    )
            else:
                one.hear_error(chunk)
        return ended

    def _closed(self, rank: int) -> None:
        one = self._ranks[rank]
        if not one.is_done and not any(event.rank == rank and event.what == "error" for event in self._events):
            self._events.append(Event(rank, "error", None))

    def _failure(self, rank: int, error: Any) -> LoaderError:
        """The error of the rank that failed first: the others only lost it."""
        failed: dict[int, Any] = {rank: error}
        until = time.monotonic() + _AFTERMATH_SECONDS
        while self._selector.get_map() and (left := until - time.monotonic()) > 0 and len(failed) < len(self._ranks):
            for closed in self._heard(left):
                self._closed(closed)
            failed |= {
                event.rank: event.value for event in self._events if event.what == "error" and event.rank not in failed
            }
        first = next((one for one, said in failed.items() if not _lost_a_peer(said)), rank)
        return self._told(first, failed[first])

    def _told(self, rank: int, error: Any) -> LoaderError:
        name, one = self.name(rank), self._ranks[rank]
        if isinstance(error, dict):
            code, message, help = (error.get(key) for key in ("code", "message", "help"))
            return LoaderError(str(code)[:80], f"{name}: {str(message)[:2000]}", str(help)[:500] if help else None)
        try:
            code = one.process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        return ended(name, self.hosts[rank], code, one.last_words, one.was_heard)


def _lost_a_peer(error: Any) -> bool:
    return isinstance(error, dict) and _LOST_PEER in str(error.get("message"))
