"""What a decided request needs of memory, and whether it fits beside what is loaded, by the policy's own gates."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ....policy import Policy
from ..companions import needed
from ..deciding import Decided
from .room import Resident

MEMORY = "insufficient_memory"


class Needs:
    """What a decided request needs of memory, and whether it fits beside others, by the policy's own gates."""

    def __init__(self, policy: Policy, decided: Decided) -> None:
        """Ask the policy what one answer takes."""
        self._policy, self._decided = policy, decided
        self.bytes, self.cache, self.tokens = needed(policy, decided.facts)
        if decided.companions.draft is not None:  # it has a cache of its own, kept with the model's
            self.cache += decided.facts["draft"]["cache_bytes"] or 0
        self.is_spread = decided.facts["machines"]["count"] is not None

    def beside(self, others: Sequence[Resident], more: int = 0) -> Decided:
        """Return what the policy decides where others stay, and so many bytes more are held."""
        started = time.perf_counter()
        held = sum(one.bytes for one in others) + more
        ids = {id for one in others for id in one.ids or (one.name,)}
        facts = beside(self._decided.facts, ids, held, self._policy.limits)
        return Decided(self._policy.decide(facts), facts, time.perf_counter() - started)

    def fits(self, others: Sequence[Resident], more: int = 0) -> bool:
        """Whether the policy decides as it does alone, where others stay, and so many bytes more are held.

        One that is warned of for its memory alone would be decided the same beside others: it wants all there is. Of
        those that several machines answer one is loaded at a time: their ring is one, at its ports.
        """
        alone = self._decided.decision
        if self.is_spread and others:
            return False
        if alone.decision == "warn" and alone.error_type == MEMORY:
            return not (others or more)
        return self.beside(others, more).decision.gate == alone.gate


def beside(facts: Mapping[str, Any], models: Iterable[str], held: int, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a machine where these models are to stay and hold so many bytes of what may be used.

    `memory` is less by them, and that of each of several machines. What may be used is a share of all memory, so all
    memory is less by more.
    """
    ratio = limits.get("memory_ratio") or 1
    resident = {"models": sorted(models), "bytes": held}
    found = {**facts, "memory": _less(facts["memory"], held, ratio), "resident": resident}
    if hosts := facts.get("machines", {}).get("hosts"):
        found["machines"] = {**facts["machines"], "hosts": [_less(one, held, ratio) for one in hosts]}
    return found


def _less(memory: Mapping[str, Any], held: int, ratio: float) -> dict[str, Any]:
    memory = dict(memory)
    if memory.get("total_bytes") is not None:
        memory["total_bytes"] = max(1, int(memory["total_bytes"] - held / ratio))
    if memory.get("recommended_bytes") is not None:
        memory["recommended_bytes"] = max(1, memory["recommended_bytes"] - held)
    return memory
