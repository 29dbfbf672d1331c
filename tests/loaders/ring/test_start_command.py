"""How a rank is started: words that no host, folder or Python can turn into others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlxk_rules.loaders import LoaderError
from mlxk_rules.loaders.machines.hostfile import Host, Hosts
from mlxk_rules.loaders.ring.ending import ended
from mlxk_rules.loaders.ring.start_command import Program, command, environment, settable

HERE, THERE = Host("127.0.0.1", ("127.0.0.1",)), Host("mac2", ("10.0.0.2",))


def test_here_it_is_a_process_of_this_python() -> None:
    words = command(HERE, Program("a.b", "/other/python"), ["MLX_RANK=1"])
    assert words == [sys.executable, "-P", "-m", "a.b"]
    assert environment(["MLX_RANK=1"])["MLX_RANK"] == "1"


def test_there_every_word_arrives_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a 'b'; touch $(c)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    python = tmp_path / "py 'thon;"
    tell = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), os.environ['MLX_X']]))"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{tell}" "$@"\n')
    python.chmod(0o755)
    *ssh, host, script = command(THERE, Program("`a` b", str(python)), ["MLX_X=$HOME 'y'"])
    assert (ssh[0], ssh[-1], host) == ("ssh", "--", "mac2")
    # ssh hands its last word to the person's shell as one line.
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd="/", check=True)
    assert json.loads(done.stdout) == [["-P", "-m", "`a` b"], str(folder), "$HOME 'y'"]
    assert os.listdir(folder) == []


def test_a_signal_there_is_told_by_the_exit_code(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    script = command(THERE, Program("a.b", str(python)), [])[-1]
    done = subprocess.run(["sh", "-c", script], check=False, capture_output=True)
    assert done.returncode == 128 + 9


@pytest.mark.parametrize(
    ("variable", "is_passed"),
    [
        ("MLX_METAL_FAST_SYNCH=1", True), ("HF_HOME=/x", True), ("OMP_NUM_THREADS=2", True), ("MLX_RANK=7", False),
        ("MLX_HOSTFILE=/x", False), ("MLX_MPI_LIBNAME=/x.so", False), ("LD_PRELOAD=/x.so", False),
        ("PYTHONPATH=/x", False), ("HF_HOME_=/x", False), ("DYLD_INSERT_LIBRARIES=/x", False), ("PATH=/x", False),
    ],
)  # fmt: skip
def test_what_a_hostfile_may_set(variable: str, is_passed: bool) -> None:
    name = variable.partition("=")[0]
    assert settable(Hosts("h", "", (variable,), ())) == (([variable], []) if is_passed else ([], [name]))


def test_no_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    with pytest.raises(LoaderError) as caught:
        command(THERE, Program("a.b"), [])
    assert caught.value.code == "no_ssh"


@pytest.mark.parametrize(
    ("host", "code", "words", "heard", "told"),
    [
        (HERE, -9, "", True, "r was ended by signal 9"),
        (HERE, 3, "boo", False, "r ended with exit code 3: boo"),
        (HERE, 255, "", False, "r ended with exit code 255"),
        (HERE, None, "", True, "r closed its output"),
        (THERE, 255, "ssh: no route", False, "r cannot be reached: ssh: no route"),
        (THERE, 255, "", True, "r is not reached any more"),
        (THERE, 137, "", True, "r was ended by signal 9"),
        (THERE, 127, "sh: no", False, "r could not be started: sh: no"),
        (THERE, 1, "No module named mlxk_rules", False, "r ended with exit code 1: No module named mlxk_rules"),
        (THERE, -15, "", True, "r was ended by signal 15"),
    ],
)
def test_how_it_ended(host: Host, code: int | None, words: str, heard: bool, told: str) -> None:
    assert ended("r", host, code, words, heard).message == told
