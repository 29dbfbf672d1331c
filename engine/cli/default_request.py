"""Which request a model is answered for, where the person named none: `list` and `explain` agree about every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from ..decision import Decision

    Found = TypeVar("Found")

Request = tuple[bool, bool]  # with images, with audio

REQUESTS = {(False, False): "text", (True, False): "images", (False, True): "audio", (True, True): "images+audio"}
# A model is answered for the first of these that it is allowed for: one that takes only audio is there for audio.
EACH: list[Request] = [(False, False), (True, False), (False, True)]
_NOT_FOR_THAT = "capability_mismatch"


def first_allowed(
    requests: Iterable[Request], decided: Callable[[Request], tuple[Decision, Found]]
) -> tuple[Request, Decision, Found]:
    """Return the first request that is allowed, with what `decided` says of it.

    Where none is: the first that fails for another reason than that the model is not made for it, so that a speech
    model whose library is not installed is told to want the library, and not to want audio.
    """
    found: list[tuple[Request, Decision, Found]] = []
    for request in requests:
        decision, more = decided(request)
        if decision.allowed:
            return request, decision, more
        found.append((request, decision, more))
    return next((one for one in found if one[1].error_type != _NOT_FOR_THAT), found[0])
