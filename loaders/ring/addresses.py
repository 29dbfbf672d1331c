"""Where the ranks of a ring listen, as its backend reads it: a list of addresses with ports for each rank.

mlx's ring backend wants two things in the environment, MLX_RANK and MLX_HOSTFILE, a file with such a list, and nothing
else. Its ports are those of mlx.launch from 32323 on; where all ranks are on this machine they are free ones, since no
other machine has to be let in.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from ..machines.hostfile import Hosts
from ..problems import LoaderError

STARTING_PORT = 32323  # mlx.launch's own
_LAST_PORT = 65535


def refuse_no_ring(hosts: Hosts) -> None:
    """Raises LoaderError no_ring where these hosts are none: another backend, or one host alone."""
    if hosts.backend not in ("", "ring"):
        message = f"`{hosts.path}` names the backend `{hosts.backend}`, and only the ring is started from here"
        help = "write `ring`; mlx.launch starts the others, which tell of no rank that fails"
        raise LoaderError("no_ring", message, help)
    if len(hosts.hosts) < 2:
        message = f"`{hosts.path}` names one host, and a ring has two or more"
        raise LoaderError("no_ring", message, "leave --hosts away, or add a host")


def of_ranks(hosts: Hosts, starting_port: int | None = None) -> list[list[str]]:
    """`address:port` of each rank's links. Ports count from `starting_port`; None takes free ones where all is local.

    Raises LoaderError bad_address where this machine has not such an address, bad_argument for too high a port.
    """
    if starting_port is None and all(host.is_local for host in hosts.hosts):
        return _free([host.ips for host in hosts.hosts])
    port = starting_port or STARTING_PORT
    if port + sum(len(host.ips) for host in hosts.hosts) - 1 > _LAST_PORT:
        raise LoaderError("bad_argument", f"the ring's ports, from {port} on, end beyond {_LAST_PORT}", "begin lower")
    found: list[list[str]] = []
    for host in hosts.hosts:
        found.append([f"{ip}:{port + place}" for place, ip in enumerate(host.ips)])
        port += len(host.ips)
    return found


def refuse_taken(own: Sequence[str]) -> None:
    """Raises LoaderError port_taken or bad_address where a rank could not listen: the ring would only say, after five
    seconds, that a connection was lost."""
    with ExitStack() as stack:
        for address in own:
            ip, _, port = address.rpartition(":")
            stack.enter_context(_listening(ip, int(port)))


def _free(ranks: Sequence[Sequence[str]]) -> list[list[str]]:
    with ExitStack() as stack:  # all held at once, so that no two are the same

        def taken(ip: str) -> str:
            return f"{ip}:{stack.enter_context(_listening(ip, 0)).getsockname()[1]}"

        return [[taken(ip) for ip in ips] for ips in ranks]


def _listening(ip: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the ring does
        listening.bind((ip, port))
        listening.listen(1)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} of {ip} is taken by another program"
            raise LoaderError(
                "port_taken", message, "end that program, or begin at others with --starting-port"
            ) from None
        why = (error.strerror or str(error)).lower()
        raise LoaderError(
            "bad_address", f"the ring cannot listen at `{ip}`: {why}", "write an address of that host"
        ) from None
    return listening
