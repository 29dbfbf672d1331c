"""Work that makes many small objects and no rubbish: Python's collector waits until it is done."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a start imports this too, and needs no more of it
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    Given = ParamSpec("Given")
    Made = TypeVar("Made")


def uncollected(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """Return `work` as it is, but that nothing is collected meanwhile.

    What a large policy is made of stays, and the collector would look through all of it again and again.
    """

    def done(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        if not gc.isenabled():  # the caller's own wish, or one such work within another
            return work(*args, **kwargs)
        gc.disable()
        try:
            return work(*args, **kwargs)
        finally:
            gc.enable()

    done.__doc__, done.__name__, done.__qualname__ = work.__doc__, work.__name__, work.__qualname__
    return done
