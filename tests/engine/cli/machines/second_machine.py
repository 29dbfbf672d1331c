"""A second machine in a network namespace of its own: a real sshd, other addresses, and files that are not the same.

It wants root, `ip`, and OpenSSH's server; without them the tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from ..serve.running import until

_NET = f"10.213.{os.getpid() % 250}"  # several workers test at once
HERE, THERE, NOBODY = f"{_NET}.1", f"{_NET}.2", f"{_NET}.3"
NAME = f"mlxk{os.getpid() % 100_000}"


class SecondMachine(NamedTuple):
    """`path` is the PATH with an ssh that knows the machine; `log` is its sshd's; `pid` is that of the sshd."""

    path: str
    log: Path
    pid: int

    def cut(self) -> None:
        """Pull the cable out."""
        _sh(f"ip link set {NAME}h down")

    def mend(self) -> None:
        """Put the cable in again."""
        _sh(f"ip link set {NAME}h up")


def _sh(line: str) -> None:
    subprocess.run(["sh", "-ec", line], check=True, capture_output=True)


def _why_not() -> str:
    if os.geteuid() != 0:
        return "network namespaces want root"
    missing = [
        name for name in ("ip", "unshare", "sshd", "ssh", "ssh-keygen") if shutil.which(name, path=_PATH) is None
    ]
    return f"not installed: {', '.join(missing)}" if missing else ""


_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@contextmanager
def second_machine(
    folder: Path, other_files: dict[Path, Path], environment: dict[str, str]
) -> Generator[SecondMachine]:
    """While open, ssh reaches a machine `second` at THERE, and one `nobody` at an address where there is none.

    other_files: folders that are others there, by the path of both. environment: what its sshd sets.
    """
    if why := _why_not():
        pytest.skip(why)
    sshd = shutil.which("sshd", path=_PATH)
    for key in ("host", "user"):
        _sh(f"ssh-keygen -q -t ed25519 -N '' -f {folder}/{key}")
    sets = " ".join(f'"{name}={value}"' for name, value in environment.items())
    (folder / "sshd_config").write_text(
        f"Port 22\nListenAddress {THERE}\nHostKey {folder}/host\nPidFile {folder}/pid\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/user.pub\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        f"SetEnv {sets}\n"
    )
    known = (folder / "host.pub").read_text().split()
    (folder / "known_hosts").write_text(f"{THERE} {known[0]} {known[1]}\n")
    own = f"  User root\n  IdentityFile {folder}/user\n  UserKnownHostsFile {folder}/known_hosts\n"
    (folder / "ssh_config").write_text(f"Host second\n  HostName {THERE}\n{own}Host nobody\n  HostName {NOBODY}\n{own}")
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    try:
        _sh(
            f"ip netns add {NAME}; ip link add {NAME}h type veth peer name {NAME}c; ip link set {NAME}c netns {NAME};"
            f"ip addr add {HERE}/29 dev {NAME}h; ip link set {NAME}h up;"
            f"ip netns exec {NAME} ip addr add {THERE}/29 dev {NAME}c; ip netns exec {NAME} ip link set {NAME}c up;"
            f"ip netns exec {NAME} ip link set lo up"
        )
    except subprocess.CalledProcessError as error:
        _take_down()
        pytest.skip(f"no network namespace can be made: {error.stderr.decode().strip()}")
    mounts = "; ".join(f"mount --bind {there} {here}" for here, there in other_files.items())
    serve = f"exec {sshd} -D -E {folder}/log -f {folder}/sshd_config"
    script = f"mount -t tmpfs none /run; mkdir /run/sshd; {mounts or ':'}; {serve}"
    process = subprocess.Popen(
        ["ip", "netns", "exec", NAME, "unshare", "-m", "sh", "-ec", script], stdin=subprocess.DEVNULL
    )
    try:
        until(lambda: (folder / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield SecondMachine(f"{folder}/bin:{os.environ['PATH']}", folder / "log", process.pid)
    finally:
        process.kill()
        process.wait()
        _take_down()


def _take_down() -> None:
    subprocess.run(["ip", "link", "del", f"{NAME}h"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", NAME], capture_output=True, check=False)
