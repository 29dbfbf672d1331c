"""A server of the standard library at a socket that is there already."""

from __future__ import annotations

import socket
from http.server import HTTPServer
from typing import Any


def listen_at(listening: socket.socket) -> None:
    """Let every server of the standard library take the connections of this socket, and open none of its own."""

    def server_bind(self: HTTPServer) -> None:
        self.socket.close()
        self.socket, self.server_name, self.server_port = listening, "backend", 0

    def get_request(self: HTTPServer) -> tuple[socket.socket, Any]:
        return self.socket.accept()[0], ("parent", 0)  # a local socket has no address, which handlers ask for

    HTTPServer.server_bind = server_bind
    HTTPServer.get_request = get_request
