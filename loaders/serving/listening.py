"""A socket that only this user reaches, and a server of the standard library at one that is there already."""

from __future__ import annotations

import socket
from http.server import HTTPServer
from pathlib import Path
from typing import Any

from ..problems import unwritable_folder

_BACKLOG = 256


def laid_at(path: Path) -> socket.socket:
    """Return a socket that listens at a path; whoever may not enter its folder cannot reach it.

    Raises LoaderError unwritable_folder where none can be laid there: a path of more than some 100 bytes is too long.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise unwritable_folder(error) from error
    return listening


def listen_at(listening: socket.socket) -> None:
    """Let every server of the standard library take the connections of this socket, and open none of its own."""

    def server_bind(self: HTTPServer) -> None:
        self.socket.close()
        self.socket, self.server_name, self.server_port = listening, "backend", 0

    def get_request(self: HTTPServer) -> tuple[socket.socket, Any]:
        return self.socket.accept()[0], ("parent", 0)  # a local socket has no address, which handlers ask for

    HTTPServer.server_bind = server_bind
    HTTPServer.get_request = get_request
