"""The longest context that fits: found by asking the policy, which alone knows what a context takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ..policy import Policy

_LEAST, _MOST = 256, 1 << 20  # tokens; where a model does not say its own maximum, a million is asked for


def longest_context(policy: Policy, facts: dict[str, Any], backend: str) -> int | None:
    """Return how many tokens prompt and answer may have, at most, without another answer than a short one gets.

    None where a short one is refused, or where the policy does not look at the context. It is at most what the model
    was made for, where the backend tells that. Of a backend that was not asked nothing is known.
    """
    told = facts.get("dry_run", {}).get(backend)
    if told is None or told.get("status") == "not_done" or not policy.rests_on(None, "request.context_tokens"):
        return None

    asked = {**facts, "request": {**facts["request"], "context_tokens": _LEAST}}
    answer = policy.varied(asked, "request.context_tokens")
    short = answer(_LEAST)
    most = told.get("context_tokens") or _MOST
    if short[0] == "block" or most < _LEAST:
        return None
    if answer(most) == short:
        return most
    least = _LEAST
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if answer(middle) == short else (least, middle)
    return least
