"""What one machine has: memory and versions, of this one as it is, of others as their own probe tells it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..host.this_machine import Host as ThisMachine

_MAX_MEMORY = 1 << 60
_ACCELERATORS = ("metal", "cuda", "cpu")


class Machine(NamedTuple):
    """Bytes and versions, each None where it is not known; `reason` says why nothing is."""

    total_bytes: int | None = None
    recommended_bytes: int | None = None
    accelerator: str | None = None
    mlx: str | None = None
    mlx_lm: str | None = None
    reason: str | None = None


def this_machine(host: "ThisMachine") -> Machine:
    """This machine, as it was looked at."""
    memory = host.memory
    return Machine(
        memory["total_bytes"],
        memory["recommended_bytes"],
        memory["accelerator"],
        host.runtime["mlx"]["version"],
        host.runtime["mlx_lm"]["version"],
    )


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


def accelerator_of(machines: Sequence[Machine]) -> str | None:
    """What all of them compute with; None where that is not one, or not known."""
    found = {machine.accelerator for machine in machines}
    return found.pop() if len(found) == 1 else None


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
