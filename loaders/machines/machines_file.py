"""The file of machines: what those of a hostfile have, where they are not to be asked.

It stands beside the hostfile (hosts.json, hosts.machines.json) or is named: a JSON list with an object for each host,
in the hostfile's order, in the words of the facts: what `mlxk-rules probe` prints on that machine will do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..host.this_machine import Host as ThisMachine
from . import json_file
from .hostfile import Hosts
from .machine import Machine, of_facts, this_machine

_NOT_ASKED = "it was not asked, and no file tells of it"
_LIKE = '[{"memory": {"total_bytes": 137438953472}, "runtime": {"mlx_lm": {"version": "0.32.2"}}}]'
_MAX_BYTES = 16 << 20  # what 1024 probes without their models take
_FILE = json_file.Kind("file of machines", "unreadable_machines", "bad_machines", _LIKE, _MAX_BYTES)


def beside(hostfile: str) -> str | None:
    """The file of machines that stands beside a hostfile; None where none does."""
    stem, ending = os.path.splitext(hostfile)
    name = f"{stem}.machines{ending}"
    return name if os.path.isfile(name) else None


def read(path: str, count: int) -> tuple[Machine, ...]:
    """Reads what a file says of so many hosts. Raises LoaderError unreadable_machines, bad_machines."""
    text, entries = _FILE.parsed(_FILE.read(path), path)
    if not isinstance(entries, list):
        raise _FILE.fault(path, "is no list")
    if len(entries) != count:
        many = f"tells of {len(entries)} machines, and the hostfile names {count}"
        help = "write an object for each host, in the hostfile's order; {} where nothing is known"
        raise _FILE.fault(path, many, help)
    return tuple(_machine(path, text, place, entry) for place, entry in enumerate(entries))


def machines_of(hosts: Hosts, file: str | None, here: ThisMachine, asked: Mapping[str, Machine]) -> tuple[Machine, ...]:
    """What each host has: this machine as it is, the others as a file says, or as they were asked, by their names.

    Raises LoaderError as `read` does.
    """
    unknown = Machine(reason=_NOT_ASKED)
    told = [asked.get(host.ssh, unknown) for host in hosts.hosts] if file is None else read(file, len(hosts.hosts))
    own = this_machine(here)
    return tuple(own if host.is_local else one for host, one in zip(hosts.hosts, told, strict=True))


def _machine(path: str, text: str, place: int, entry: object) -> Machine:
    try:
        return of_facts(entry)
    except ValueError as error:
        where = f"{path}{json_file.line_and_column(text, (place,))}"
        raise _FILE.fault(where, f"{error}, at `[{place}]`") from None
