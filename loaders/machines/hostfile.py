"""mlx's hostfile: which machines there are, how they are reached, and by which addresses they talk.

Both forms that `mlx.launch` takes (mlx 0.32.4, `mlx/_distributed_utils/common.py`): the list of hosts, or an object
with the list, a backend and variables of the environment. Keys that mlx does not read are not read here either. A file
that mlx.launch would take and that could do no harm is taken; each fault is told with its place.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from ..facts.plain_json import shown
from . import json_file

BACKENDS = ("ring", "jaccl", "jaccl-ring", "mpi", "nccl")
LOCAL = "127.0.0.1"  # the one name that mlx takes for this machine; "localhost" is reached by ssh
MAX_HOSTS = 1024
MAX_ADDRESSES = 64
MAX_VARIABLES = 64
_MAX_TEXT = 255  # what a name may have in the domain name system
_MAX_VALUE = 4096
_SSH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)")
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_DEVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^\x00-\x1f\x7f]*")
_LIKE = '{"hosts": [{"ssh": "127.0.0.1", "ips": ["127.0.0.1"]}, {"ssh": "mac2.local", "ips": ["10.0.0.2"]}]}'
_FILE = json_file.Kind("hostfile", "unreadable_hostfile", "bad_hostfile", _LIKE, 1 << 20)

_Place = tuple[str | int, ...]


class Host(NamedTuple):
    """One machine, which is one rank: what ssh is to call, its addresses in the ring, its devices for RDMA.

    `rdma` has a device, several, or None for each host of the file, this one's own being None; it is empty where the
    file has none.
    """

    ssh: str
    ips: tuple[str, ...] = ()
    rdma: tuple[str | tuple[str, ...] | None, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether this is the machine that asks."""
        return self.ssh == LOCAL


class Hosts(NamedTuple):
    """A hostfile: `backend` is one of BACKENDS or empty, `envs` are NAME=VALUE, the place in `hosts` is the rank."""

    path: str
    backend: str
    envs: tuple[str, ...]
    hosts: tuple[Host, ...]


def read(path: str | os.PathLike[str]) -> Hosts:
    """Reads a hostfile. Raises LoaderError unreadable_hostfile, bad_hostfile."""
    name = os.fspath(path)
    return parsed(_FILE.read(name), name)


def parsed(content: bytes, name: str) -> Hosts:
    """The hosts in a hostfile's content; `name` is what the file is called. Raises LoaderError bad_hostfile."""
    text, document = _FILE.parsed(content, name)
    return _Reader(name, text).hosts(document)


def unpacked(value: Sequence[Any]) -> Hosts:
    """Hosts that went through JSON, as a rank gets them."""
    path, backend, envs, hosts = value
    return Hosts(path, backend, tuple(envs), tuple(Host(ssh, tuple(ips)) for ssh, ips, _ in hosts))


class _Reader:
    """What a hostfile's JSON says, and where in the text it stands."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text

    def hosts(self, document: object) -> Hosts:
        whole = document if isinstance(document, dict) else {"hosts": document}
        if isinstance(document, dict) and "hosts" not in whole:
            self._fault((), "has no `hosts`", "write `hosts`, a list with an object for each machine")
        at: _Place = ("hosts",) if isinstance(document, dict) else ()
        listed = self._list(whole["hosts"], at, MAX_HOSTS)
        if not listed:
            self._fault(at, "names no host", "write an object for each machine")
        backend = whole.get("backend", "")
        if backend != "" and backend not in BACKENDS:
            what = self._quoted(backend)
            self._fault(("backend",), f"names the backend {what}", f"there are {', '.join(BACKENDS)}")
        hosts = tuple(self._host(one, (*at, rank), len(listed), str(backend)) for rank, one in enumerate(listed))
        return Hosts(self._name, str(backend), self._variables(whole.get("envs", [])), hosts)

    def _host(self, one: object, at: _Place, count: int, backend: str) -> Host:
        if not isinstance(one, dict):
            self._fault(at, f"has {self._quoted(one)} for a host", 'write an object: {"ssh": "mac2.local", "ips": []}')
        if "ssh" not in one:
            self._fault(at, "has a host without `ssh`", f"write what ssh is to call, or {LOCAL} for this machine")
        ssh = self._text_like(_SSH, one["ssh"], (*at, "ssh"), "name for ssh, such as mac2.local or me@10.0.0.2")
        ips = self._list(one.get("ips", []), (*at, "ips"), MAX_ADDRESSES)
        if not ips and backend in ("", "ring"):
            where: _Place = (*at, "ips") if "ips" in one else at
            self._fault(where, "has a host without an address", "the ring needs one: write `ips`, a list of addresses")
        rdma = self._list(one.get("rdma", []), (*at, "rdma"), MAX_HOSTS)
        if rdma and len(rdma) != count:
            many = f"{len(rdma)} RDMA devices for {count} hosts"
            self._fault((*at, "rdma"), f"has {many}", "write one for each host, null for this host itself")
        return Host(
            ssh,
            tuple(self._ip(ip, (*at, "ips", place), backend) for place, ip in enumerate(ips)),
            tuple(self._device(device, (*at, "rdma", place)) for place, device in enumerate(rdma)),
        )

    def _ip(self, ip: object, at: _Place, backend: str) -> str:
        if isinstance(ip, str) and ":" in ip:
            try:
                ipaddress.IPv6Address(ip)
            except ValueError:
                self._fault(at, f"has the address {self._quoted(ip)}", "write the address alone, without a port")
            if backend in ("", "ring"):  # mlx 0.32.4: "Can't parse address ::1:41021", in brackets too
                self._fault(at, f"has the IPv6 address `{ip}`", "the ring takes IPv4 addresses and names")
            return ip
        return self._text_like(_ADDRESS, ip, at, "address, such as 10.0.0.2")

    def _device(self, device: object, at: _Place) -> str | tuple[str, ...] | None:
        if device is None:
            return None
        what = "device's name, such as rdma_en2, nor null"
        if isinstance(device, list):
            several = self._list(device, at, MAX_ADDRESSES)
            return tuple(self._text_like(_DEVICE, one, (*at, place), what) for place, one in enumerate(several))
        return self._text_like(_DEVICE, device, at, what)

    def _variables(self, value: object) -> tuple[str, ...]:
        found: list[str] = []
        for place, one in enumerate(self._list(value, ("envs",), MAX_VARIABLES)):
            if not isinstance(one, str) or len(one) > _MAX_VALUE or not _VARIABLE.fullmatch(one):
                self._fault(("envs", place), f"has the variable {self._quoted(one)}", "write NAME=VALUE, in one line")
            found.append(one)
        return tuple(found)

    def _list(self, value: object, at: _Place, most: int) -> Sequence[object]:
        name = at[-1] if at else "hosts"
        if not isinstance(value, list):
            self._fault(at, f"has {self._quoted(value)} for `{name}`", "write a list, in square brackets")
        if len(value) > most:
            self._fault(at, f"has {len(value)} in `{name}`", f"write {most} at most")
        return value

    def _text_like(self, like: re.Pattern[str], value: object, at: _Place, what: str) -> str:
        if not isinstance(value, str) or len(value) > _MAX_TEXT or not like.fullmatch(value):
            self._fault(at, f"has {self._quoted(value)}", f"that is no {what}")
        return value

    @staticmethod
    def _quoted(value: object) -> str:
        if isinstance(value, dict | list):
            return "an object" if isinstance(value, dict) else "a list"
        return f"`{shown(value if isinstance(value, str) else json.dumps(value))[:80]}`"

    def _fault(self, at: _Place, why: str, help: str) -> NoReturn:
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in at).lstrip(".")
        where = f"{self._name}{json_file.line_and_column(self._text, at)}"
        raise _FILE.fault(where, f"{why}, at `{path}`" if path else why, help)
