"""A rank's way to whoever started it."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import NamedTuple, NoReturn


class Outside(NamedTuple):
    """say: takes a word and a value. fail: says an error, and ends the process. lines: what is said to the rank."""

    say: Callable[..., None]
    fail: Callable[[BaseException], NoReturn]
    lines: queue.SimpleQueue[str]
