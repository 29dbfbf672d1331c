"""What a request asks for beside its model, an adapter or a draft model, as facts: only once the policy allows them."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from ....loaders import Adapter, vocabularies_differ
from ...policy import Policy
from .asked.refusals import Refusal
from .asked.request_body import Asked

_MAX_KNOWN = 1_000


class Companions(NamedTuple):
    """What is to be loaded with a model: an adapter; a draft model by its id, folder and fingerprint. None for none."""

    adapter: Adapter | None = None
    draft: str | None = None
    draft_folder: str | None = None
    draft_fingerprint: str | None = None

    def label(self, model: str) -> str:
        """Return how a model with these is told from the same model without."""
        words = [f"adapter {self.adapter.id}"] if self.adapter is not None else []
        words += [f"draft {self.draft}"] if self.draft is not None else []
        return f"{model} ({', '.join(words)})" if words else model


class Needed(NamedTuple):
    """What a model needs by a policy's own sum, in bytes: in all, and of it the cache of one prompt; and its tokens."""

    bytes: int
    cache: int
    tokens: int


def needed(policy: Policy, facts: dict[str, Any]) -> Needed:
    """Return what the model of these facts needs, alone and for one answer; of several machines, on that with most."""
    derived = policy.explain(facts, terms=False).derived
    whole = int(derived.get("needed_bytes") or derived.get("load_bytes") or facts["model"]["size_bytes"])
    cache, tokens = int(derived.get("kv_bytes") or 0), int(derived.get("context") or 0)
    if facts["machines"]["count"] is not None:
        rows = (derived.get("machine_sums") or {}).get("rows") or []
        whole = max((row["needed_bytes"] or 0 for row in rows), default=0) or whole
        cache = max((row["cache_bytes"] or 0 for row in rows), default=0)
    return Needed(whole, cache, tokens)


def refuse_unread(asked: Asked, policy: Policy) -> None:
    """Raise Refusal not_allowed where no gate reads what is asked for: such a policy would allow it without a look."""
    for field, fact, given in (
        ("adapters", "request.adapter", asked.adapter),
        ("draft_model", "request.draft_model", asked.draft_model),
    ):
        if given is not None and not policy.rests_on(None, fact):
            message = f"`{field}`: the policy `{policy.name} {policy.version}` has no rule for it; today's has"
            raise Refusal(403, "not_allowed", message, field)


def of_draft(policy: Policy, facts: dict[str, Any], unlike: str | None) -> dict[str, Any]:
    """Return the facts below `draft` of a draft model that has these facts."""
    decision, need = policy.decide(facts), needed(policy, facts)
    return {
        "decision": decision.decision,
        "backend": decision.backend,
        "message": decision.message,
        "unlike": unlike,
        "bytes": need.bytes,
        "cache_bytes": need.cache,
    }


class Vocabularies:
    """Compares the vocabularies of two models once, for as long as their folders stay as they are."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str | None] = {}

    async def difference(self, draft: dict[str, Any], model: dict[str, Any]) -> str | None:
        """Return in what the draft's is another than the model's, as a phrase; both are facts below `model`."""
        place = (draft["fingerprint"], model["fingerprint"])
        if place not in self._known:
            found = await asyncio.to_thread(vocabularies_differ, draft["path"], model["path"])
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[place] = found
        return self._known[place]
