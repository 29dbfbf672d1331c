"""The world: a model's name to its folder, a folder to facts, and a decision to text."""

from __future__ import annotations

from .dry_run import last_kept
from .errors import LoaderError
from .host import look as machine
from .host import packages, runtime, standing
from .probe import Probed, probe, request_of
from .resolve import Cached, Resolved, cache_folder, cached, cached_model, cached_repos, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .dry_run import Workers
    from .execute import stream

__all__ = [
    "Cached",
    "LoaderError",
    "Probed",
    "Resolved",
    "Workers",
    "cache_folder",
    "cached",
    "cached_model",
    "cached_repos",
    "last_kept",
    "machine",
    "packages",
    "probe",
    "request_of",
    "resolve",
    "runtime",
    "standing",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name == "stream":  # only a run pays for it
        from .execute import stream

        return stream
    if name == "Workers":  # only who asks backends anew pays for it
        from .dry_run.worker import Workers

        return Workers
    raise AttributeError(name)
