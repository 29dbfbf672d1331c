"""The world: a model's name to its folder, a folder to facts, and a decision to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dry_run import last_kept
from .host.this_machine import look as machine
from .host.this_machine import packages, runtime, standing
from .probe import Probed, probe, request_of, told_of
from .problems import LoaderError
from .resolving.model_names import (
    Cached,
    Resolved,
    cache_folder,
    cached,
    cached_model,
    cached_repos,
    is_remote,
    resolve,
)

if TYPE_CHECKING:
    from typing import Any

    from .backends.request import Message, Remembered, Request, checked_request
    from .backends.running import Report, Session, stream
    from .dry_run import Workers
    from .facts.token_vocabularies import difference as vocabularies_differ
    from .hub.download import download
    from .hub.names import Remote, remote
    from .hub.needed_files import needed
    from .hub.relatives import relatives
    from .hub.shape import Shape, look
    from .resolving.places import Local, local_models, models_in
    from .serving.adapter import Adapter
    from .serving.adapter import read as adapter_in
    from .serving.backend_server import BackendServer, Job

__all__ = [
    "Adapter",
    "BackendServer",
    "Cached",
    "Job",
    "LoaderError",
    "Local",
    "Message",
    "Probed",
    "Remembered",
    "Remote",
    "Report",
    "Request",
    "Resolved",
    "Session",
    "Shape",
    "Workers",
    "adapter_in",
    "cache_folder",
    "cached",
    "cached_model",
    "cached_repos",
    "checked_request",
    "download",
    "is_remote",
    "last_kept",
    "local_models",
    "look",
    "machine",
    "models_in",
    "needed",
    "packages",
    "probe",
    "relatives",
    "remote",
    "request_of",
    "resolve",
    "runtime",
    "standing",
    "stream",
    "told_of",
    "vocabularies_differ",
]


# What not every start needs: where each is, and what it is called there.
_LATE = {
    "Adapter": ("serving.adapter", "Adapter"),
    "BackendServer": ("serving.backend_server", "BackendServer"),
    "Job": ("serving.backend_server", "Job"),
    "Local": ("resolving.places", "Local"),
    "Message": ("backends.request", "Message"),
    "Remembered": ("backends.request", "Remembered"),
    "Remote": ("hub.names", "Remote"),
    "Report": ("backends.running", "Report"),
    "Request": ("backends.request", "Request"),
    "Session": ("backends.running", "Session"),
    "Shape": ("hub.shape", "Shape"),
    "Workers": ("dry_run.worker", "Workers"),
    "adapter_in": ("serving.adapter", "read"),
    "checked_request": ("backends.request", "checked_request"),
    "download": ("hub.download", "download"),
    "local_models": ("resolving.places", "local_models"),
    "look": ("hub.shape", "look"),
    "models_in": ("resolving.places", "models_in"),
    "needed": ("hub.needed_files", "needed"),
    "relatives": ("hub.relatives", "relatives"),
    "remote": ("hub.names", "remote"),
    "stream": ("backends.running", "stream"),
    "vocabularies_differ": ("facts.token_vocabularies", "difference"),
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, own_name = _LATE[name]
    return getattr(import_module(f".{module}", __package__), own_name)
