"""What a probe tells of the machine and not of a folder: Python, the backends installed, memory."""

import os
import sys
import time
from binascii import crc32
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ...engine.storage.data_files import PLACE
from . import installed, kept_support, memory
from .installed import Installed

# What each backend's module tells as its `Support`, which need not be imported where it is kept.
LISTS = {
    "mlx_lm": ("model_types",),
    "mlx_vlm": ("model_types", "image_types", "audio_types", "text_types", "other_types"),
    "mlx_audio": ("model_types", "tts_types", "other_types"),
}


class Package(NamedTuple):
    """An installed backend: its folder, its version, what it supports, and what tells its source from others."""

    folder: str
    version: str | None
    lists: Mapping[str, list[str]]
    sign: str


Packages = dict[str, Package | None]


class Host(NamedTuple):
    """`packages` of the backends, None where not installed; the facts `runtime`, and the first four of `memory`."""

    packages: Packages
    runtime: dict[str, Any]
    memory: dict[str, Any]


def look(found: Packages | None = None) -> Host:
    """Looks at this machine now; `found` are its packages where they were looked up already."""
    found = packages() if found is None else found
    facts = {
        "total_bytes": memory.total_bytes(),
        "available_bytes": memory.available_bytes(),
        "recommended_bytes": memory.recommended_bytes(),
        "accelerator": memory.accelerator(_mlx()),
    }
    return Host(found, runtime(found), facts)


def standing(found: Packages) -> str:
    """All that a probe's facts depend on besides the folder and the request, but the memory that is free, as a text."""
    own = memory.total_bytes(), memory.recommended_bytes(), sys.version_info[:3]
    return f"{signs(found, memory.accelerator(_mlx()))} {own!r}"


def signs(found: Packages, accelerator: str | None) -> str:
    """What the facts that a folder itself tells depend on besides the folder, as a text."""
    stamps = {name: package and (package.folder, package.version, package.sign) for name, package in found.items()}
    code = (kept_support.reader(), os.stat(f"{PLACE}/facts.yaml").st_mtime_ns, sys.version_info[:3])
    return repr((stamps, code, accelerator, os.geteuid()))


def libraries(found: Packages) -> str:
    """All that is installed beside the backends, with versions, as a short text: a library of theirs may be another."""
    return _beside(found.values(), os.listdir)


def _beside(found: Iterable[Package | Installed | None], listed: Callable[[str], list[str]]) -> str:
    folders = sorted({os.path.dirname(package.folder) for package in found if package is not None})
    names: list[str] = []
    for folder in folders:
        try:
            names += sorted(name for name in listed(folder) if name.endswith(".dist-info"))
        except OSError:
            names.append(folder)
    return f"{len(names)} {crc32(chr(10).join(names).encode('utf-8', 'surrogateescape')):08x}"


def packages() -> Packages:
    """Each backend's package as it is now."""
    listed = lru_cache(os.listdir)
    found = {name: installed.find(name, listed) for name in LISTS}
    beside = _beside(found.values(), listed)
    return {name: package and _package(name, package, beside) for name, package in found.items()}


def runtime(found: Packages | None = None) -> dict[str, Any]:
    """The facts below `runtime`: this Python, and each backend's version and model types; looked up where not given."""
    found = found or packages()
    backends = {name: _backend(name, package) for name, package in found.items()}
    year, month, day, *_ = time.gmtime()
    today = year * 10_000 + month * 100 + day
    return {"python": list(sys.version_info[:3]), "today": today, "mlx": {"version": _mlx_version()}, **backends}


def _backend(name: str, package: Package | None) -> dict[str, Any]:
    lists = {kind: list(package.lists[kind]) if package else [] for kind in LISTS[name]}
    return {"installed": package is not None, "version": package and package.version, **lists}


def _package(name: str, package: Installed, beside: str) -> Package:
    def read() -> tuple[kept_support.Lists, Iterable[str]]:
        from importlib import import_module  # where the lists are kept, a start does without

        from .python_source import watched

        with watched() as seen:
            support = import_module(f"..backends.{name}", __package__).supported(package.path)
        return {kind: list(types) for kind, types in support._asdict().items()}, seen

    return Package(*package, *kept_support.support(package, LISTS[name], beside, read))


def _mlx_version() -> str | None:
    folder = _mlx()
    return None if folder is None else installed.version(folder)


def _mlx() -> str | None:
    """Where the package mlx is, which is a namespace on Linux until a back end is installed into it."""
    spec = installed.spec_of("mlx")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return places[0] if places else None
