"""How a rank is started: a process of this machine, or one that ssh starts on another.

What ssh hands to the other machine is one line for its shell, every word of it quoted; the host's name was checked by
the hostfile's reader, stands behind `--`, and so is never an option.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from typing import NamedTuple

from ..machines.hostfile import Host, Hosts
from ..problems import LoaderError

# What a hostfile may set for the ranks: MLX's own switches, where the models are, how many threads. Nothing by which
# the loader or the interpreter would load other code.
_SETTABLE = re.compile(
    r"MLX_(?!RANK=|HOSTFILE=|MPI_LIBNAME=)[A-Z0-9_]*=|(HF_HOME|HF_HUB_CACHE|HF_HUB_OFFLINE|OMP_NUM_THREADS)="
)
_SSH_OPTIONS = (
    "-T", "-a", "-x",
    "-o", "BatchMode=yes",  # it asks nobody for a password
    "-o", "ConnectTimeout=10",
    "-o", "ServerAliveInterval=3",
    "-o", "ServerAliveCountMax=3",
    "-o", "ClearAllForwardings=yes",
    "-o", "PermitLocalCommand=no",
)  # fmt: skip


class Program(NamedTuple):
    """What a rank runs: a module of this package, by which Python on other machines (None: by this one's path)."""

    module: str
    python: str | None = None


def settable(hosts: Hosts) -> tuple[list[str], list[str]]:
    """The hostfile's variables that ranks get, and the names of those that they do not."""
    taken = [one for one in hosts.envs if _SETTABLE.match(one)]
    return taken, [one.partition("=")[0] for one in hosts.envs if one not in taken]


def command(host: Host, program: Program, variables: list[str]) -> list[str]:
    """The words that start a rank. Raises LoaderError no_ssh where a host needs ssh and there is none."""
    if host.is_local:
        # -P: the folder in which the person stands is no place to import from; it may be the model's.
        return [sys.executable, "-P", "-m", program.module]
    if shutil.which("ssh") is None:
        raise LoaderError("no_ssh", f"`{host.ssh}` is reached by ssh, which is not here", "install OpenSSH's client")
    python = program.python or sys.executable
    words = ["env", *variables, "PYTHONIOENCODING=utf-8", python, "-P", "-m", program.module]
    # As mlx.launch does it: in the same folder, where the other machine has it. The shell stays, and tells of a signal
    # that ended the rank by an exit code above 128: ssh itself would only say 255, as of a host that it cannot reach.
    script = f"cd {shlex.quote(os.getcwd())} 2>/dev/null; {shlex.join(words)}; exit $?"
    return ["ssh", *_SSH_OPTIONS, "--", host.ssh, f"exec /bin/sh -c {shlex.quote(script)}"]


def environment(variables: list[str]) -> dict[str, str]:
    """The environment of a rank on this machine."""
    own = {name: value for name, _, value in (one.partition("=") for one in variables)}
    return os.environ | own | {"PYTHONIOENCODING": "utf-8"}
