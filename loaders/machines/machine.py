"""What one machine has: memory and versions, of this one as it is, of others as they were asked or as a file says.

The file stands beside the hostfile (hosts.json, hosts.machines.json) or is named: a JSON list with an object for each
host, in the hostfile's order, in the words of the facts: what `mlxk-rules probe` prints on that machine will do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..host.this_machine import Host as ThisMachine
from . import json_file
from .hostfile import Hosts

_MAX_MEMORY = 1 << 60
_ACCELERATORS = ("metal", "cuda", "cpu")
_NOT_ASKED = "it was not asked, and no file tells of it"
_LIKE = '[{"memory": {"total_bytes": 137438953472}, "runtime": {"mlx_lm": {"version": "0.32.2"}}}]'
_MAX_BYTES = 16 << 20  # what 1024 probes without their models take
_FILE = json_file.Kind("file of machines", "unreadable_machines", "bad_machines", _LIKE, _MAX_BYTES)


class Machine(NamedTuple):
    """Bytes and versions, each None where it is not known; `reason` says why nothing is."""

    total_bytes: int | None = None
    recommended_bytes: int | None = None
    accelerator: str | None = None
    mlx: str | None = None
    mlx_lm: str | None = None
    reason: str | None = None


def this_machine(host: ThisMachine) -> Machine:
    """This machine, as it was looked at."""
    memory = host.memory
    return Machine(
        memory["total_bytes"],
        memory["recommended_bytes"],
        memory["accelerator"],
        host.runtime["mlx"]["version"],
        host.runtime["mlx_lm"]["version"],
    )


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


def of_facts(facts: object) -> Machine:
    """A machine by the facts `memory` and `runtime` as a probe tells them. Raises ValueError where one is none of its
    kind; what is not there is not known."""
    if not isinstance(facts, dict):
        raise ValueError("is no object")
    memory, runtime = _object(facts, "memory"), _object(facts, "runtime")
    accelerator = memory.get("accelerator")
    if accelerator is not None and accelerator not in _ACCELERATORS:
        raise ValueError(f"has another memory.accelerator than {', '.join(_ACCELERATORS)}")
    return Machine(
        _bytes(memory, "total_bytes"),
        _bytes(memory, "recommended_bytes"),
        accelerator,
        _version(runtime, "mlx"),
        _version(runtime, "mlx_lm"),
    )


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


def _object(facts: dict[str, Any], name: str) -> dict[str, Any]:
    value = facts.get(name)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"has a `{name}` that is no object")
    return value or {}


def _bytes(memory: dict[str, Any], name: str) -> int | None:
    value = memory.get(name)
    if value is not None and (type(value) is not int or not 0 < value <= _MAX_MEMORY):
        raise ValueError(f"has a memory.{name} that is no number of bytes")
    return value


def _version(runtime: dict[str, Any], name: str) -> str | None:
    value = _object(runtime, name).get("version")
    if value is not None and (not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 80):
        raise ValueError(f"has a runtime.{name}.version that is no version")
    return value


def accelerator_of(machines: Sequence[Machine]) -> str | None:
    """What all of them compute with; None where that is not one, or not known."""
    found = {machine.accelerator for machine in machines}
    return found.pop() if len(found) == 1 else None
