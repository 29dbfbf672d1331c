"""What the machines of a hostfile have: each is asked of itself, others over ssh, all at once.

On the other machine this module is the program that answers, in the words of the facts that a probe tells.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from ..dry_run import guard
from ..host.this_machine import look
from ..machines.hostfile import Host, Hosts
from ..machines.machine import Machine, of_facts
from ..problems import LoaderError
from .ranks import Ranks
from .start_command import Program

SECONDS = 30.0
_AT_ONCE = 32
_NAME = f"{__package__}.ask_machines"


def this_one() -> dict[str, Any]:
    """The facts `memory` and `runtime` of this machine that matter to others: {memory: {...}, runtime: {...}}.

    Metal is asked itself how much it recommends, for which MLX is imported.
    """
    host = look()
    memory = {name: host.memory[name] for name in ("total_bytes", "recommended_bytes", "accelerator")}
    if memory["accelerator"] == "metal" and memory["recommended_bytes"] is None:
        import_module("mlx.core")
        memory["recommended_bytes"] = guard.working_set()
    return {
        "memory": memory,
        "runtime": {name: {"version": host.runtime[name]["version"]} for name in ("mlx", "mlx_lm")},
    }


def ask(hosts: Hosts, python: str | None = None) -> dict[str, Machine]:
    """What each host of another name than this machine's has, by its name; a reason where it did not say.

    `python` is the Python of the others, as in Program. Takes SECONDS at most, and ten where a host is not there.
    """
    names = {host.ssh: host for host in hosts.hosts if not host.is_local}
    program = Program(_NAME, python)

    def told(host: Host) -> Machine:
        try:
            with Ranks(hosts._replace(hosts=(host,)), program, [{}], (host.ssh,)) as one:
                found = of_facts(one.each("machine", SECONDS, "")[0])
                one.leave()
                return found
        except LoaderError as error:
            return Machine(reason=error.message)
        except ValueError as error:
            return Machine(reason=f"what {host.ssh} says of itself {error}")

    if not names:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(names))) as pool:
        return dict(zip(names, pool.map(told, names.values()), strict=True))


def main() -> None:
    """Answer for this machine, once, to whoever started this by ssh."""
    sys.stdin.readline()
    for line in ({"machine": this_one()}, {"end": None}):
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main()
