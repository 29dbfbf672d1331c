"""What is done with started ranks, from outside, up to where each knows what all of them decided."""

from __future__ import annotations

import math
from typing import Any

from ..machines.machine import of_facts
from ..problems import LoaderError
from .agreement import checked
from .ranks import Ranks

START_SECONDS = 60.0
READY_SECONDS = 180.0  # a machine asks its backends anew at most, each of which may take a minute
JOIN_SECONDS = 30.0  # the ring gives up by itself after five, where a machine answers at all
_AGAIN = "see whether that machine is well, and try again"
_REACH = "each rank must reach the next one's `ips`: see whether a firewall is in between"


def joined(ranks: Ranks, most: float = math.inf) -> list[dict[str, Any]]:
    """Let each rank hear what all machines have, decide, and join the ring; what each told, as `agreement` has it.

    `most` is how many seconds each of these steps may take, where that is less than usual.
    Raises LoaderError: rank_failed, rank_silent, host_unreachable, or what a rank says.
    """
    machines = ranks.each("machine", min(START_SECONDS, most), _AGAIN)
    for rank, facts in enumerate(machines):
        try:
            of_facts(facts)
        except ValueError as error:
            raise LoaderError("rank_failed", f"{ranks.name(rank)}: what it says of itself {error}") from None
    ranks.tell({"machines": machines})
    ranks.each("ready", min(READY_SECONDS, most), _AGAIN)
    ranks.tell({"go": "join"})
    return [checked(one) for one in ranks.each("agreed", min(JOIN_SECONDS, most), _REACH)[0]["told"]]
