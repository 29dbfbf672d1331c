"""The parent's side of ranks that serve: started, waited for, asked as a child on one machine is, ended.

A thread hears the ranks for as long as they run; whatever ends one of them ends all, and is told of.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...machines.hostfile import Hosts
from ...problems import LoaderError
from ...serving.backend_server import BackendServer, Job, client_at
from ..agreement import RankRefused, refusal
from ..joining import joined
from ..ranks import Ranks
from ..start_command import Program

_LOADED_HELP = "see whether that machine is well, or allow more with --load-seconds"
_LEAST_LOAD_SECONDS = 1.0


class RingServer(BackendServer):
    """Ranks that have loaded their shares, of which rank 0, here, answers. `start` makes one; `end` ends all ranks."""

    dying_seconds = 3.0  # the other ranks are heard first, to tell which failed

    def __init__(self, job: Job) -> None:
        self.job = job
        self._loop = asyncio.get_running_loop()
        self._loaded: Future[tuple[str, str]] = Future()
        self._died, self._gone = asyncio.Event(), asyncio.Event()
        self._ending = threading.Event()
        self._ranks: Ranks | None = None
        self._pid = 0

    @classmethod
    async def of(
        cls, hosts: Hosts, program: Program, jobs: Sequence[Mapping[str, Any]], job: Job, seconds: float
    ) -> RingServer:
        """Start a rank on each host, and wait until all have loaded their share, at most some `seconds`.

        `jobs` are the ranks', in their order. Raises LoaderError: what a rank says, with its name; RankRefused where
        one decides against it or differs; rank_failed, rank_silent, host_unreachable. No rank is left then.
        """
        server = cls(job)
        threading.Thread(target=server._run, args=(hosts, program, jobs, seconds), daemon=True).start()
        try:
            server.folder, place = await asyncio.wrap_future(server._loaded)
        except BaseException:
            server._end_ranks()
            await server._gone.wait()
            raise
        server.client = client_at(Path(place))
        return server

    @property
    def pid(self) -> int:
        """The process id of rank 0."""
        return self._pid

    @property
    def is_alive(self) -> bool:
        """Whether all ranks still run."""
        return self.failure is None and not self._ending.is_set()

    async def died(self) -> None:
        """Return once a rank has ended, or all were."""
        await self._died.wait()

    async def end(self) -> None:
        """End every rank. Returns once none is left here."""
        await self.client.aclose()
        self._end_ranks()
        await self._gone.wait()

    def _end_ranks(self) -> None:
        self._ending.set()
        if self._ranks is not None:
            self._ranks.kill()  # which whoever hears them notices

    def _run(self, hosts: Hosts, program: Program, jobs: Sequence[Mapping[str, Any]], seconds: float) -> None:
        try:
            with Ranks(hosts, program, jobs) as ranks:
                self._ranks, self._pid = ranks, ranks.pid(0)
                try:
                    self._hear(ranks, seconds)
                except LoaderError as error:
                    self._fail(error)
        except LoaderError as error:  # a rank could not be started
            self._fail(error)
        except Exception as error:
            self._fail(LoaderError("rank_failed", f"the ranks are not heard any more: {type(error).__name__}"))
        finally:
            self._soon(self._gone.set)

    def _hear(self, ranks: Ranks, seconds: float) -> None:
        started = time.monotonic()
        if self._ending.is_set():  # before there was anything to end
            raise LoaderError("rank_failed", "the ranks were ended before they had loaded")
        told = joined(ranks, seconds)
        if (refused := refusal(told)) is not None:
            raise RankRefused(refused, "every rank" if refused.by_all else ranks.name(refused.rank))
        ranks.tell({"go": "load"})
        left = max(_LEAST_LOAD_SECONDS, round(seconds - (time.monotonic() - started), 1))
        loaded = ranks.each("loaded", left, _LOADED_HELP)[0]
        self._loaded.set_result((loaded["folder"], loaded["socket"]))
        while (event := ranks.next()) is not None:
            if (event.rank, event.what) == (0, "wake"):
                ranks.tell({"go": "wake"}, but=0)
        raise LoaderError("rank_failed", "all ranks ended")

    def _fail(self, error: LoaderError) -> None:
        self.failure = error
        if not self._loaded.done():
            self._loaded.set_exception(error)
        self._soon(self._died.set)

    def _soon(self, what: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what)
