"""What a file says of the machines of a hostfile, and of what is wrong in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import LoaderError
from mlxk_rules.loaders import machine as look
from mlxk_rules.loaders.machines import machines_file
from mlxk_rules.loaders.machines.hostfile import Host, Hosts
from mlxk_rules.loaders.machines.machine import Machine, accelerator_of, this_machine

from ...case_files import cases

ROWS = cases(__file__, "machines_file.yaml")


@pytest.mark.parametrize("row", ROWS["good"], ids=lambda row: row["title"])
def test_a_sound_file(row: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "M"
    file.write_text(row["text"])
    assert [list(one[:5]) for one in machines_file.read(str(file), 2)] == row["machines"]


@pytest.mark.parametrize("row", ROWS["bad"], ids=lambda row: row["text"])
def test_a_bad_file(row: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "M"
    file.write_text(row["text"])
    with pytest.raises(LoaderError) as caught:
        machines_file.read(str(file), 2)
    assert caught.value.code == "bad_machines"
    assert row["says"].replace("{}", str(file)) in caught.value.message
    assert row["help"] in (caught.value.help or "")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("content", [None, b"\xff", b"[" * 200_000])
def test_a_file_that_cannot_be_read(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "M"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LoaderError) as caught:
        machines_file.read(str(file), 2)
    assert caught.value.code in ("unreadable_machines", "bad_machines")


def test_a_file_beside_the_hostfile(tmp_path: Path) -> None:
    hostfile = tmp_path / "a.hosts.json"
    assert machines_file.beside(str(hostfile)) is None
    (tmp_path / "a.hosts.machines.json").write_text("[]")
    assert machines_file.beside(str(hostfile)) == str(tmp_path / "a.hosts.machines.json")


def test_this_machine_is_asked_itself_and_others_are_unknown_without_a_file() -> None:
    here = look()
    hosts = Hosts("H", "", (), (Host("127.0.0.1"), Host("far"), Host("127.0.0.1")))
    own, far, again = machines_file.machines_of(hosts, None, here, {})
    assert own == again == this_machine(here)
    assert (own.total_bytes, own.mlx_lm) == (here.memory["total_bytes"], here.runtime["mlx_lm"]["version"])
    assert far[:5] == (None,) * 5 and far.reason


def test_what_all_of_them_compute_with() -> None:
    metal, cpu = Machine(accelerator="metal"), Machine(accelerator="cpu")
    assert accelerator_of((metal, metal)) == "metal"
    assert accelerator_of((metal, cpu)) is None
    assert accelerator_of((metal, Machine())) is None
