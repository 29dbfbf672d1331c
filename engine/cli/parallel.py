"""Blocks of bytes worked on by all cores, and the results in the order of the blocks.

Forked processes, since each then has what the work needs without loading it again; a block goes to one through memory
that both see, a result comes back through a pipe. What no process could do is left to the caller, so that work is
never lost and an exception is raised where it can be told.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import struct
from collections import deque
from collections.abc import Callable, Iterator
from mmap import mmap
from typing import IO, NamedTuple

Work = Callable[[bytes, int], tuple[bytes, int]]

MAX_BLOCK = 1 << 20  # bytes
_MAX_WORKERS = 16  # by then reading and writing, which one process does, is what takes the time
_EACH = 2  # blocks that a worker has at most, so that it need not wait for the next
_TASK = struct.Struct("<qqq")  # which half of the shared memory, length, number
_RESULT = struct.Struct("<qq")  # length, code; a length of -1: the work failed
_PIPE_BYTES = 1 << 20  # a worker goes on while its result waits to be read


class _Worker(NamedTuple):
    pid: int
    shared: mmap
    tasks: int
    results: int


class _Given(NamedTuple):
    worker: _Worker | None
    block: bytes
    number: int


class Workers:
    """Does `work(block, number)` for each block in some other process; used as a context, whose end ends them all.

    The processes, one for each core if not told otherwise, are started with the first block; on one core, or where
    there is no fork, there are none.
    """

    def __init__(self, work: Work, cores: int | None = None) -> None:
        self._work = work
        self._cores = min(_cores() if cores is None else cores, _MAX_WORKERS)
        self._workers: list[_Worker] | None = None
        self._given: deque[_Given] = deque()
        self._turn = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers or ():
            with contextlib.suppress(OSError):
                os.kill(worker.pid, signal.SIGKILL)  # its results are read, or nobody wants them any more
            with contextlib.suppress(OSError):
                os.waitpid(worker.pid, 0)
            os.close(worker.tasks)
            os.close(worker.results)
            worker.shared.close()
        self._workers = []

    @property
    def busy(self) -> bool:
        """Whether results are under way."""
        return bool(self._given)

    def results(self, block: bytes, number: int) -> Iterator[tuple[bytes, int]]:
        """Give a block to work on, and yield the results that must be taken before: never more are under way."""
        if self._workers is None:
            self._start()
        workers = self._workers or []
        while len(self._given) >= max(1, _EACH * len(workers)):
            yield self._oldest()
        worker = None
        if workers and len(block) <= MAX_BLOCK:
            worker = workers[self._turn % len(workers)]
            half = self._turn // len(workers) % _EACH
            self._turn += 1
            worker.shared[half * MAX_BLOCK : half * MAX_BLOCK + len(block)] = block
            with contextlib.suppress(OSError):  # it is dead, and reading its result will say so
                os.write(worker.tasks, _TASK.pack(half, len(block), number))
        self._given.append(_Given(worker, block, number))

    def until(self, file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
        """Yield results until a read of that file would not wait, or there are no more."""
        while self._given:
            worker = self._given[0].worker
            results = [] if worker is None else [worker.results]
            try:
                ready = select.select([file, *results], [], [], None if results else 0)[0]
            except (OSError, ValueError):  # nobody can wait for it, so it is no pipe or terminal
                ready = []
            if file in ready:
                return
            yield self._oldest()

    def rest(self) -> Iterator[tuple[bytes, int]]:
        """Yield the results that are still under way."""
        while self._given:
            yield self._oldest()

    def _oldest(self) -> tuple[bytes, int]:
        worker, block, number = self._given.popleft()
        if worker is not None:
            with contextlib.suppress(EOFError, OSError):
                length, code = _RESULT.unpack(_read(worker.results, _RESULT.size))
                if length >= 0:
                    return _read(worker.results, length), code
        return self._work(block, number)

    def _start(self) -> None:
        self._workers = []
        if self._cores < 2 or not hasattr(os, "fork"):
            return
        with contextlib.suppress(OSError):  # no more processes are allowed: then so many
            for _ in range(self._cores):
                self._workers.append(_forked(self._work, self._workers))


def _forked(work: Work, before: list[_Worker]) -> _Worker:
    shared = mmap(-1, _EACH * MAX_BLOCK)
    tasks, give = os.pipe()
    take, results = os.pipe()
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(results, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # Linux
    pid = os.fork()
    if pid:
        os.close(tasks)
        os.close(results)
        return _Worker(pid, shared, give, take)
    try:  # nothing here may return, or print: the parent's buffers are here too
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
        # With its own ends closed everywhere else, a parent that is killed ends its workers too.
        for end in (give, take, *(end for worker in before for end in (worker.tasks, worker.results))):
            os.close(end)
        gc.freeze()
        _serve(work, shared, tasks, results)
    finally:
        os._exit(0)


def _serve(work: Work, shared: mmap, tasks: int, results: int) -> None:
    while len(task := os.read(tasks, _TASK.size)) == _TASK.size:
        half, length, number = _TASK.unpack(task)
        start = half * MAX_BLOCK
        try:
            result, code = work(shared[start : start + length], number)
            answer = _RESULT.pack(len(result), code) + result
        except Exception:
            answer = _RESULT.pack(-1, 0)
        left = memoryview(answer)
        while left:
            left = left[os.write(results, left) :]


def _read(descriptor: int, length: int) -> bytes:
    """Raise EOFError where the other end is closed before so many bytes came."""
    pieces: list[bytes] = []
    while length:
        piece = os.read(descriptor, length)
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
