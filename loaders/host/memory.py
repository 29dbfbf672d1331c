"""Physical memory, or a container's share of it, and what of it is free or may go to the accelerator."""

from __future__ import annotations

import os
import re
import sys

from .. import bounded_files

_MAX_BYTES = 1 << 16


def total_bytes(root: str = "") -> int | None:
    """Physical memory in bytes, lowered to the control group's limit where that is lower; None when it cannot be told.

    `root` is the folder where proc/ and sys/ are looked for.
    """
    return min([*_physical(), *_limits(root)], default=None)


def available_bytes(root: str = "") -> int | None:
    """What may be taken without swapping, as Linux's kernel estimates it; None elsewhere."""
    for line in _text(f"{root}/proc/meminfo").splitlines():
        name, number, *unit = [*line.split(), "", ""]
        if name == "MemAvailable:" and number.isdecimal() and unit[:1] == ["kB"]:
            return int(number) * 1024
    return None


def recommended_bytes() -> int | None:
    """How much of it the accelerator may keep wired, where a person set that: macOS's `sysctl iogpu.wired_limit_mb`.

    Without a setting that says 0, and the system's own choice can only be asked of Metal, which means importing MLX:
    then, and on every other system, None.
    """
    if sys.platform != "darwin":
        return None
    import ctypes  # 5 ms, and only here

    try:
        value, length = ctypes.c_uint64(0), ctypes.c_size_t(8)
        sysctl = ctypes.CDLL(None).sysctlbyname
        failed = sysctl(b"iogpu.wired_limit_mb", ctypes.byref(value), ctypes.byref(length), None, ctypes.c_size_t(0))
    except (OSError, AttributeError):
        return None
    return None if failed or not value.value else value.value << 20


def accelerator(folder: str | None) -> str | None:
    """What MLX would compute with, told without importing it: metal, cuda or cpu; None where there is no MLX.

    `folder` is that of the package mlx. Its back ends for Linux are packages of their own beside it.
    """
    if sys.platform == "darwin" and _machine() == "arm64":
        return "metal"
    if folder is None:
        return None
    try:
        with os.scandir(os.path.dirname(folder)) as entries:
            named = [entry.name for entry in entries if entry.name.startswith("mlx_cuda")]
    except OSError:
        return None
    return "cuda" if any(re.fullmatch(r"mlx_cuda(_\d+)?-.+\.dist-info", name) for name in named) else "cpu"


def _machine() -> str:
    return os.uname().machine


def _physical() -> list[int]:
    # sysconf answers on Linux and macOS, where MLX runs; psutil gives the same number for 26 ms more.
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return []
    return [size] if size > 0 else []


def _limits(root: str) -> list[int]:
    """The memory limits of this process's control group and of those above it; either version, any may be absent."""
    found: list[int] = []
    for line in _text(f"{root}/proc/self/cgroup").splitlines():
        hierarchy, controllers, group = [*line.split(":", 2), "", ""][:3]
        if hierarchy == "0":
            base, name = f"{root}/sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            base, name = f"{root}/sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in group.split("/") if part and part != ".."]
        for depth in range(len(parts) + 1):
            limit = _text("/".join([base, *parts[:depth], name])).strip()
            if limit.isdecimal() and int(limit):  # version 2 says "max" for none, version 1 a number beyond any memory
                found.append(int(limit))
    return found


def _text(path: str) -> str:
    try:
        return bounded_files.read(path, _MAX_BYTES, cut=True).decode("ascii", "replace")
    except OSError:
        return ""
