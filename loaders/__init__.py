"""The world: a model's name to its folder, a folder to facts, and a decision to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dry_run import last_kept
from .host.this_machine import look as machine
from .host.this_machine import packages, runtime, standing
from .hub.names import Remote, is_remote, remote
from .probe import Probed, probe, request_of, told_of
from .problems import LoaderError
from .resolving.model_names import Cached, Resolved, cache_folder, cached, cached_model, cached_repos, resolve
from .resolving.places import Local, local_models, models_in

if TYPE_CHECKING:
    from typing import Any

    from .backends.request import Message, Remembered, Request, checked_request
    from .backends.running import Report, Session, stream
    from .dry_run import Workers
    from .facts.token_vocabularies import difference as vocabularies_differ
    from .hub.download import download
    from .hub.needed_files import needed
    from .hub.relatives import relatives
    from .hub.shape import Shape, look
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


_OF_THE_HUB = {
    "Shape": "shape",
    "look": "shape",
    "needed": "needed_files",
    "download": "download",
    "relatives": "relatives",
}


def __getattr__(name: str) -> Any:
    if name in ("stream", "Session", "Report"):  # only a run pays for it
        from .backends import running

        return getattr(running, name)
    if name in ("Message", "Remembered", "Request", "checked_request"):
        from .backends import request

        return getattr(request, name)
    if name in ("BackendServer", "Job"):  # only a server starts servers
        from .serving import backend_server

        return getattr(backend_server, name)
    if name in ("Adapter", "adapter_in"):
        from .serving import adapter

        return adapter.Adapter if name == "Adapter" else adapter.read
    if name == "vocabularies_differ":
        from .facts.token_vocabularies import difference

        return difference
    if name in _OF_THE_HUB:  # only who asks it pays for it
        from importlib import import_module

        return getattr(import_module(f".hub.{_OF_THE_HUB[name]}", __package__), name)
    if name == "Workers":  # only who asks backends anew pays for it
        from .dry_run.worker import Workers

        return Workers
    raise AttributeError(name)
