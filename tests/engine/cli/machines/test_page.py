"""rules/MACHINES.md: every command line in it answers, and its hostfile is one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from mlxk_rules.loaders.machines import hostfile
from mlxk_rules.loaders.ring.start_command import settable

from ....tiny import pair
from ...command_line import ROOT, Capture, ran

PAGE = (ROOT / "rules" / "MACHINES.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.slow
@pytest.mark.usefixtures("at_the_root")
@pytest.mark.parametrize("line", COMMANDS)
def test_command(line: str, capsys: Capture) -> None:
    program, *words = shlex.split(line)
    assert program == ".venv/bin/mlxk-rules"
    code, out, err = ran(capsys, *words)
    assert (code, err) == (0, "")
    assert out.endswith(f"{pair.ANSWER}\n") or words[0] == "explain"


def test_the_hostfile() -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    hosts = hostfile.parsed(shown[1].encode(), "page")
    assert [host.is_local for host in hosts.hosts] == [True, False]
    assert settable(hosts) == (["HF_HOME=/models/huggingface"], [])


def test_the_example_is_made_again(tmp_path: Path) -> None:
    made = pair.pair(tmp_path / "pair")
    assert {file.name for file in made.iterdir()} == {file.name for file in pair.FOLDER.iterdir()}
    for file in made.iterdir():
        assert file.read_bytes() == (pair.FOLDER / file.name).read_bytes(), file.name
    assert pair.hosts(tmp_path / "hosts.json").read_bytes() == pair.HOSTS.read_bytes()
