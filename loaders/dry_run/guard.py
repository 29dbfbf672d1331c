"""What a dry run may not do: connect, start a process, write into the model's folder, take more than its memory."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from ..host import memory

MOST_BYTES = 4 << 30
_LOOK_SECONDS = 0.1
_NEVER = frozenset(
    (
        "socket.connect",
        "socket.getaddrinfo",
        "socket.bind",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
    )
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# The folder that nobody may write to while a job is done, and who does it; an audit hook cannot be taken away, so it
# looks here.
_kept: list[tuple[str, str]] = []


def limit_memory(end: Callable[[], None]) -> None:
    """Bounds this process to half of the machine's memory or 4 GiB, whichever is less; `end` is called beyond.

    Linux refuses the allocation itself. A thread looks besides, for systems where that limit is not kept (macOS).
    """
    most = min(MOST_BYTES, (memory.total_bytes() or 2 * MOST_BYTES) // 2)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    unit = 1 if sys.platform == "darwin" else 1024

    def look() -> None:
        while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < most:
            time.sleep(_LOOK_SECONDS)
        end()

    threading.Thread(target=look, daemon=True).start()


def working_set() -> int | None:
    """The bytes that the accelerator recommends to keep at most, which only Metal tells; None elsewhere."""
    mx: Any = sys.modules.get("mlx.core")
    if mx is None or not mx.metal.is_available():
        return None
    size = mx.device_info().get("max_recommended_working_set_size")
    return int(size) if size else None


@contextmanager
def closed(folder: str, who: str = "a dry run") -> Generator[None, None, None]:
    """While open, this process opens no connection, starts no other, and writes nothing below `folder`.

    `who` is what messages call it.
    """
    _hook()
    _kept.append((os.path.realpath(folder), who))
    try:
        yield
    finally:
        _kept.pop()


@cache
def _hook() -> None:
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _kept:
        return
    kept, who = _kept[-1]
    if event in _NEVER:
        raise PermissionError(f"{who} does nothing of the kind: {event}")
    if event == "open" and _is_writing(arguments) and isinstance(arguments[0], str | bytes):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path == kept or path.startswith(f"{kept}/"):
            raise PermissionError(f"{who} writes nothing into the model's folder")


def _is_writing(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(flags & _WRITES) if isinstance(flags, int) else isinstance(mode, str) and any(c in mode for c in "wax+")
