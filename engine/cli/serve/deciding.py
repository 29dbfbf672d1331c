"""What the policy says of a request: the model's facts, kept from its first request on, and what this one carries."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from ....loaders import LoaderError, Probed, Resolved, Workers, machine, request_of
from ...decision import Decision
from ...policy import Policy
from ..machines.serving import Spread
from .asked.adapters import Adapters
from .asked.catalogue import Catalogue
from .asked.refusals import of_loader
from .asked.request_body import Asked
from .companions import Companions, Vocabularies, needed, of_draft, refuse_unread

_FRESH_SECONDS = 5.0  # for which the machine's memory is taken to be as it was
_MAX_KNOWN = 1_000
_SIDES = tuple(1 << power for power in range(8, 15))  # 256 to 16,384 pixels


class Decided(NamedTuple):
    """A decision, the facts that it was made of, how long it took in seconds, and what goes with the model."""

    decision: Decision
    facts: dict[str, Any]
    seconds: float
    companions: Companions = Companions()


class _Known(NamedTuple):
    fingerprint: str
    probed: Probed
    facts: dict[str, Any]


class Decider:
    """Decides on requests; keeps each model's facts until a file of its folder changes.

    spread: the machines that answer together, where there are several.
    """

    def __init__(self, catalogue: Catalogue, adapters: Adapters, spread: Spread | None = None) -> None:
        """catalogue, adapters: what may be asked for beside a model."""
        self._catalogue, self._adapters, self._vocabularies = catalogue, adapters, Vocabularies()
        self._spread = spread
        self._known: dict[tuple[Any, ...], _Known] = {}
        self._asking: dict[tuple[Any, ...], asyncio.Task[_Known]] = {}
        self._one = asyncio.Semaphore(1)  # dry runs take a core each
        self._workers = Workers()  # which go on from one folder to the next where more than one is waited for
        self._machine, self._looked = machine(), time.monotonic()

    async def decide(self, found: Resolved, asked: Asked, policy: Policy) -> Decided:
        """Return the policy's decision for a request to the model in a folder. Raises Refusal."""
        started = time.perf_counter()
        refuse_unread(asked, policy)
        facts, waited = await self._facts(found, asked, policy)
        decision = policy.decide(facts)
        companions = Companions()
        # Nothing is looked at beside the model before the policy has allowed its name.
        if decision.allowed and (asked.adapter is not None or asked.draft_model is not None):
            began = time.perf_counter()
            facts, companions = await self._beside(facts, asked, policy)
            waited += time.perf_counter() - began
            decision = policy.decide(facts)
        return Decided(decision, facts, time.perf_counter() - started - waited, companions)

    async def _beside(self, facts: dict[str, Any], asked: Asked, policy: Policy) -> tuple[dict[str, Any], Companions]:
        """Return the facts with those of the adapter and the draft model that are asked for. Raises Refusal."""
        found = Companions()
        if asked.adapter is not None:
            adapter = await asyncio.to_thread(self._adapters.find, asked.adapter)
            found = found._replace(adapter=adapter)
            facts = {**facts, "adapter": {"bytes": adapter.size_bytes}}
        if asked.draft_model is not None:
            folder = self._catalogue.find(asked.draft_model, "draft_model")
            plain = asked._replace(images=False, audio=False, image_size=None, adapter=None, draft_model=None)
            own, _ = await self._facts(folder, plain, policy)
            # It reads what the model reads, and no chat: its template is nobody's business.
            request = {
                **own["request"],
                "context": "cli",
                "context_tokens": needed(policy, facts).tokens or asked.tokens,
            }
            own = {**own, "request": request}
            model = own["model"]
            unlike = await self._vocabularies.difference(model, facts["model"])
            facts = {**facts, "draft": of_draft(policy, own, unlike)}
            found = found._replace(
                draft=asked.draft_model, draft_folder=model["path"], draft_fingerprint=model["fingerprint"]
            )
        return facts, found

    async def _facts(self, found: Resolved, asked: Asked, policy: Policy) -> tuple[dict[str, Any], float]:
        request = request_for(asked, policy)
        size = (request["image_width"], request["image_height"])
        place = (found.folder, asked.images, asked.audio, size)
        try:
            probed = Probed.of(found, request, machine=self._here())
        except LoaderError as error:
            raise of_loader(error) from None
        known, waited = self._known.get(place), 0.0
        if known is None or known.fingerprint != probed.fingerprint or _is_open(known, policy):
            began = time.perf_counter()
            known = await self._asked((*place, probed.fingerprint), probed, policy)
            waited = time.perf_counter() - began
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[place] = known
        memory = {name: value for name, value in self._machine.memory.items() if value is not None}
        facts = {**known.facts, "request": request, "memory": {**known.facts["memory"], **memory}}
        return facts, waited

    async def _asked(self, place: tuple[Any, ...], probed: Probed, policy: Policy) -> _Known:
        """Ask of a folder once, however many requests wait for the answer."""
        task = self._asking.get(place)
        if task is None:

            async def ask() -> _Known:
                try:
                    async with self._one:
                        return await asyncio.to_thread(self._look, probed, policy)
                finally:  # not by a callback, which runs after the next one was let in
                    del self._asking[place]

            task = self._asking[place] = asyncio.create_task(ask())
        try:
            return await asyncio.shield(task)
        except LoaderError as error:
            raise of_loader(error) from None

    def _look(self, probed: Probed, policy: Policy) -> _Known:
        try:
            facts = probed.told(probed.pinned(probed.facts()))
            if self._spread is not None:
                return _Known(probed.fingerprint, probed, self._spread.told(probed, facts))
            known = _Known(probed.fingerprint, probed, facts)
            if not _is_open(known, policy):
                return known
            return known._replace(facts=probed.rehearsed(facts, workers=self._workers))
        finally:
            if len(self._asking) < 2:  # also where this one asked nobody: the one before it left them for it
                self._workers.end()

    def _here(self) -> Any:
        if time.monotonic() - self._looked > _FRESH_SECONDS:
            self._machine, self._looked = machine(self._machine.packages), time.monotonic()
        return self._machine


def request_for(asked: Asked, policy: Policy) -> dict[str, Any]:
    """Return the facts below `request`.

    A context is told only where it is longer than the policy reckons with anyway, and an image's sides are rounded up,
    so that few dry runs serve all requests.
    """
    limits = policy.limits
    size = (limits.get("image_width"), limits.get("image_height"))
    if asked.image_size is not None:
        size = tuple(next((side for side in _SIDES if side >= own), _SIDES[-1]) for own in asked.image_size)
    request = request_of(
        images=asked.images,
        audio=asked.audio,
        context="server",
        context_tokens=asked.tokens if asked.tokens > limits.get("context_tokens", 0) else None,
        image_size=(int(size[0]), int(size[1])) if size[0] is not None and size[1] is not None else None,
    )
    return {**request, "adapter": asked.adapter, "draft_model": asked.draft_model}


def _is_open(known: _Known, policy: Policy) -> bool:
    """Whether a backend is still to be asked, as this policy's decision rests on what it says."""
    return known.probed.is_open and policy.rests_on(policy.decide_few(known.facts).gate, "dry_run")
