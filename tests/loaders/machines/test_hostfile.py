"""mlx's hostfile: what is read of it, and where a bad one is wrong; mlx's own reader takes what is taken here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import LoaderError
from mlxk_rules.loaders.machines import hostfile
from mlxk_rules.loaders.machines.hostfile import Host, Hosts

from ...case_files import cases

ROWS = cases(__file__, "hostfiles.yaml")


def read(content: str | bytes, folder: Path) -> Hosts:
    """Return what is read of a file with this content. Raises LoaderError."""
    file = folder / "H"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return hostfile.read(file)


def fault(content: str | bytes, folder: Path) -> LoaderError:
    """Return why a file with this content is refused."""
    with pytest.raises(LoaderError) as caught:
        read(content, folder)
    return caught.value


@pytest.mark.parametrize("row", ROWS["good"], ids=lambda row: row["title"])
def test_a_sound_hostfile(row: dict[str, Any], tmp_path: Path) -> None:
    found = read(row["text"], tmp_path)
    assert (found.backend, list(found.envs)) == (row["backend"], row["envs"])
    assert [[host.ssh, list(host.ips), json.loads(json.dumps(host.rdma))] for host in found.hosts] == row["hosts"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # mlx leaves the file open
@pytest.mark.parametrize("row", ROWS["good"], ids=lambda row: row["title"])
def test_mlx_reads_the_same(row: dict[str, Any], tmp_path: Path) -> None:
    from mlx._distributed_utils.common import Hostfile

    found = read(row["text"], tmp_path)
    theirs = Hostfile.from_file(str(tmp_path / "H"))
    assert (theirs.backend, theirs.envs) == (found.backend, list(found.envs))
    assert [(host.ssh_hostname, host.ips) for host in theirs.hosts] == [(one.ssh, list(one.ips)) for one in found.hosts]


@pytest.mark.parametrize("row", ROWS["bad"], ids=lambda row: row["told"][:70])
def test_a_bad_hostfile_is_told_with_its_place(row: dict[str, Any], tmp_path: Path) -> None:
    error = fault(row["text"], tmp_path)
    assert error.code == "bad_hostfile"
    assert error.message.startswith(f"{tmp_path}/{row['told']}")
    assert error.message.isprintable()
    assert error.help


def test_what_is_no_text(tmp_path: Path) -> None:
    assert fault(b'[\n"\xff"]', tmp_path).message == f"{tmp_path}/H:2: the hostfile is not UTF-8 text"


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="hostfile") as caught:
        hostfile.read(tmp_path / name)
    assert caught.value.code == "unreadable_hostfile"


def test_what_is_too_much(tmp_path: Path) -> None:
    host = {"ssh": "a", "ips": ["1.2.3.4"]}
    assert "1025 in `hosts`" in fault(json.dumps([host] * 1025), tmp_path).message
    assert "65 in `ips`" in fault(json.dumps([{**host, "ips": ["1.2.3.4"] * 65}]), tmp_path).message
    assert "65 in `envs`" in fault(json.dumps({"hosts": [host], "envs": ["A=1"] * 65}), tmp_path).message
    assert fault(json.dumps([{**host, "ssh": "a" * 256}]), tmp_path).code == "bad_hostfile"
    assert fault(json.dumps({"hosts": [host], "envs": [f"A={'x' * 5000}"]}), tmp_path).code == "bad_hostfile"
    assert fault("[" * 100_000, tmp_path).message.endswith("is nested too deeply")
    assert fault(f"[{'1' * 5000}]", tmp_path).message.endswith("a number that is too long")
    assert fault(" " * (1 << 20) + "[]", tmp_path).code == "unreadable_hostfile"


def test_only_one_name_is_this_machine() -> None:
    assert Host("127.0.0.1").is_local
    assert not Host("localhost").is_local
    assert not Host("127.0.0.2").is_local
