"""The models that are loaded: each once, as many as the policy says fit beside one another, the unused given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from .....loaders import BackendServer, Job, LoaderError
from ....facts.wording import size_text
from ....policy import Policy
from ..asked.refusals import Refusal, of_loader
from ..deciding import Decided
from ..settings import RETRY_SECONDS, Settings
from .needs import MEMORY, Needs
from .room import Resident, Room, Share, room_for, share_of

_NEVER = ("adapter_mismatch", "draft_unsupported")  # of the same files a load says so again
_MAX_NEVER = 1_000


class Entry:
    """One model that loads, or is loaded; `name` tells what it is loaded with, `ids` are all the models in it."""

    def __init__(self, name: str, ids: tuple[str, ...], job: Job, share: Share, tokens: int, pinned: bool) -> None:
        self.name, self.ids, self.job, self.bytes, self.pinned = name, ids, job, share.bytes, pinned
        self.longest: int | None = None  # tokens of the request it is loaded for, where that is a long one
        self.busy, self.used, self.stale = 0, time.monotonic(), False
        self.server: BackendServer | None = None
        self.task: asyncio.Task[BackendServer] | None = None
        # Tokens of all answers at once that its share of memory has room for, and those that are in use.
        self.tokens, self.taken = tokens * share.parallel, 0
        self.freed = asyncio.Event()

    @property
    def resident(self) -> Resident:
        """The model as `room_for` sees it."""
        busy = self.busy > 0 or self.server is None
        return Resident(self.name, self.bytes, self.used, busy, self.pinned, self.ids)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "model": self.name,
            "backend": self.job.backend,
            "bytes": self.bytes,
            "parallel": self.job.parallel,
            "answering": self.busy,
            "loading": self.server is None,
            "pinned": self.pinned,
            "idle_seconds": 0 if self.busy else round(time.monotonic() - self.used),
            "pid": None if self.server is None else self.server.pid,
        }


Start = Callable[[Entry], Awaitable[BackendServer]]


class Models:
    """Loads models and gives them up. `told` gets a word (load, failed, evict, died) and the model's entry."""

    def __init__(self, settings: Settings, told: Callable[[str, Entry], None], start: Start | None = None) -> None:
        """start: starts an entry's server in its own way."""
        self._settings, self._told, self._starts = settings, told, start or self._start_child
        self._entries: list[Entry] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._never: dict[Job, LoaderError] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is loaded now, and what loads."""
        return tuple(self._entries)

    @asynccontextmanager
    async def using(
        self, name: str, decided: Decided, policy: Policy, note: Callable[[Decided], None] = lambda _: None
    ) -> AsyncGenerator[BackendServer]:
        """Give the server of a model, loaded where it is not yet; while open, the model stays.

        note: takes what was decided of it beside others, where that was asked.
        Raises Refusal: 503 where others answer, 507 where what is pinned leaves no room, or the load's own error.
        """
        entry = self._entry(name, decided, policy, note)
        entry.busy += 1
        entry.used = time.monotonic()
        asked = 0
        try:
            assert entry.task is not None
            try:
                server = await asyncio.shield(entry.task)
            except LoaderError as error:
                raise of_loader(error, decided.decision) from None
            tokens = decided.facts["request"]["context_tokens"] or 0
            asked = await self._placed(entry, tokens)
            try:
                yield server
            except Refusal as refusal:
                if refusal.code == "worker_died":  # its end may not be known yet, and the next one is to find it
                    with suppress(TimeoutError):
                        await asyncio.wait_for(server.died(), server.dying_seconds)
                    if server.failure is not None:
                        why = f"the answer broke off: {server.failure.message}"
                        raise Refusal(refusal.status, refusal.code, why, retry_after=refusal.retry_after) from None
                raise
        finally:
            entry.taken -= asked
            entry.busy -= 1
            entry.used = time.monotonic()
            entry.freed.set()
            if entry.stale and not entry.busy:
                self._leave(entry)

    def _entry(self, name: str, decided: Decided, policy: Policy, note: Callable[[Decided], None]) -> Entry:
        """Return the entry of a model, made where there is none. Nothing is awaited in here: two requests make one."""
        model, companions = decided.facts["model"], decided.companions
        backend, adapter = decided.decision.backend, companions.adapter
        ids = (name,) if companions.draft is None else (name, companions.draft)
        name = companions.label(name)
        wanted = Job(
            backend,
            model["path"],
            model["fingerprint"],
            model["type"],
            adapter=None if adapter is None else adapter.folder,
            adapter_fingerprint=None if adapter is None else adapter.fingerprint,
            draft=companions.draft_folder,
            draft_fingerprint=companions.draft_fingerprint,
        )
        for entry in [one for one in self._entries if one.name == name and not one.stale]:
            dead = entry.server is not None and not entry.server.is_alive
            if not dead and _as_one(entry.job) == _as_one(wanted):
                return self._grown(entry, decided, policy, note)
            entry.stale = True  # the folder is another by now
            if not entry.busy:
                self._leave(entry)
        if (known := self._never.get(_as_one(wanted))) is not None:  # nobody goes for what will not load
            raise of_loader(known, decided.decision)
        needs = Needs(policy, decided)
        others = self._make_room(name, [one.resident for one in self._entries], needs, decided, note)
        share = share_of(
            needs.bytes,
            needs.cache if backend != "mlx_audio" else 0,
            self._settings.parallel if companions.draft is None else 1,  # drafts are made for one answer after another
            lambda more: needs.fits(others, more),
        )
        job = wanted._replace(parallel=share.parallel, prompt_cache_bytes=share.cache_bytes)
        entry = Entry(name, ids, job, share, needs.tokens, name in self._settings.pinned)
        entry.longest = decided.facts["request"]["context_tokens"]
        self._entries.append(entry)
        entry.task = self._do(self._start(entry))
        entry.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # who waits for it is told
        return entry

    def _grown(self, entry: Entry, decided: Decided, policy: Policy, note: Callable[[Decided], None]) -> Entry:
        """Give a loaded model more memory where a request is longer than what was reckoned with."""
        tokens = decided.facts["request"]["context_tokens"] or 0
        if tokens > entry.tokens:
            needs = Needs(policy, decided)
            if needs.bytes > entry.bytes:
                others = [one.resident for one in self._entries if one is not entry]
                self._make_room(entry.name, others, needs, decided, note)
                entry.bytes = needs.bytes
            entry.tokens = tokens
        return entry

    def _make_room(
        self, name: str, residents: list[Resident], needs: Needs, decided: Decided, note: Callable[[Decided], None]
    ) -> list[Resident]:
        """Send away who has to go; return those that stay. Raises Refusal."""
        room: Room = room_for(residents, needs.fits)
        stay = [one for one in residents if one.name not in room.leave]
        if stay:
            note(needs.beside(stay))
        if room.fits != "now":
            held = ", ".join(f"`{one.name}` ({size_text(one.bytes)})" for one in residents if one.busy or one.pinned)
            what = f"`{name}` needs {size_text(needs.bytes)}, and does not fit beside {held}"
            if needs.is_spread:
                what = f"the machines answer by one model at a time, so not by `{name}` beside {held}"
            if room.fits == "later":
                message = f"{what}, which answer others: ask again in a few seconds"
                raise Refusal(503, "busy", message, "model", RETRY_SECONDS, decided.decision)
            message = f"{what}, which stay loaded: start the server without --pin for one of them"
            raise Refusal(507, MEMORY, message, "model", decision=decided.decision)
        for entry in [one for one in self._entries if one.name in room.leave]:
            self._leave(entry)
        return stay

    async def _start(self, entry: Entry) -> BackendServer:
        try:
            while self._leaving:  # their memory is to be free first
                await asyncio.wait(set(self._leaving))
            entry.server = await self._starts(entry)
        except BaseException as error:
            self._remove(entry)
            self._told("failed", entry)
            if isinstance(error, LoaderError) and error.code in _NEVER:
                if len(self._never) >= _MAX_NEVER:
                    self._never.clear()
                self._never[_as_one(entry.job)] = error
            raise
        entry.used = time.monotonic()
        self._told("load", entry)
        self._do(self._watch(entry, entry.server))
        return entry.server

    async def _start_child(self, entry: Entry) -> BackendServer:
        return await BackendServer.start(entry.job, self._settings.load_seconds)

    async def _watch(self, entry: Entry, server: BackendServer) -> None:
        await server.died()
        if entry in self._entries:
            self._remove(entry)
            self._told("died", entry)
            self._end(server)

    async def _placed(self, entry: Entry, tokens: int) -> int:
        """Wait until a long request has room beside the other long ones; return what it takes of the tokens."""
        if not tokens:  # as long as was reckoned with: the backend itself makes it wait
            return 0
        while entry.taken and entry.taken + tokens > entry.tokens:
            entry.freed.clear()
            await entry.freed.wait()
        entry.taken += tokens
        return tokens

    def _leave(self, entry: Entry) -> None:
        self._remove(entry)
        self._told("evict", entry)
        if entry.server is not None:
            self._end(entry.server)

    def _end(self, server: BackendServer) -> None:
        task = asyncio.create_task(server.end())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _remove(self, entry: Entry) -> None:
        with suppress(ValueError):
            self._entries.remove(entry)

    def _do(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def give_up_idle(self) -> None:
        """Give up models that nobody asked for during the idle time; runs until it is cancelled."""
        idle = self._settings.idle_seconds
        while idle is not None:
            await asyncio.sleep(min(1.0, idle / 4))
            for entry in [one for one in self._entries if not (one.resident.busy or one.pinned)]:
                if time.monotonic() - entry.used > idle:
                    self._leave(entry)

    async def end(self) -> None:
        """End every child. Returns once they are gone."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for entry in list(self._entries):
            self._leave(entry)
        await asyncio.gather(*self._leaving, return_exceptions=True)


def _as_one(job: Job) -> Job:
    """Return what a job loads, whatever its share of memory."""
    return job._replace(folder="", type=None, parallel=1, prompt_cache_bytes=0)
