"""The server's own ear: uvicorn, with an end to connections on which nobody says anything."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .asked.admission import Admission
from .endpoints import Endpoints, application
from .server import Server
from .views import Views

_HEAD_SECONDS = 10.0
_END_SECONDS = 3
_BACKLOG = 2048


class _Patient(H11Protocol):
    """A connection that is closed where no request has come within some seconds: thousands could wait for nothing."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._patience = asyncio.get_running_loop().call_later(_HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        cycle: Any = self.cycle  # none before the first request's head has come
        if cycle is None:
            self.transport.close()


def serve(server: Server, listening: socket.socket) -> None:
    """Answer requests at a socket until a signal ends it: open answers have some seconds more."""
    _many_files()
    app = application([*Views(server).routes(), *Endpoints(server).routes()], server.running)
    config = uvicorn.Config(
        Admission(app, server.settings),
        http=_Patient,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_END_SECONDS,
        backlog=_BACKLOG,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once it has ended in order
        uvicorn.Server(config).run(sockets=[listening])


def opened(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address. Raises OSError."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # asyncio sends small pieces at once only where it is told that this is TCP: an answer would wait for 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _many_files() -> None:
    """Raise this process's limit of open files: a connection is one, and the usual 256 or 1,024 are soon used up."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
