"""How a command ends: closed pipes, Ctrl-C, bugs, and the program's own quick ending."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.cli.usage import COMMANDS

from ..command_line import COMMAND, HELLO, HOSTILE, ROOT, Capture, facts_file, harmless, heeds_ctrl_c, ran, wanted_words
from ..helpers import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_the_root")]


def test_broken_pipe() -> None:
    command = [*COMMAND, "probe", HELLO, "--quick"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    error = process.stderr.read().decode()
    assert (process.wait(timeout=60), error) == (1, "")
    process.stderr.close()


def test_broken_pipe_amid_lines(tmp_path: Path) -> None:
    file = facts_file(tmp_path, *[GOOD] * 2_000)
    process = subprocess.Popen([*COMMAND, "decide", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None and process.stderr is not None
    assert json.loads(process.stdout.readline())["decision"] == "allow"
    process.stdout.close()
    assert (process.stderr.read().decode(), process.wait(timeout=60)) == ("", 1)
    process.stderr.close()


def test_ctrl_c() -> None:
    process = subprocess.Popen(
        [*COMMAND, "decide", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=heeds_ctrl_c,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(json.dumps(GOOD).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["decision"] == "allow"  # each line is answered as it comes
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (out, error, process.returncode) == (b"", b"", 130)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bug_is_one_line(command: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def broken(options: dict[str, Any]) -> int:
        raise ZeroDivisionError(f"oops {HOSTILE}")

    monkeypatch.setattr(import_module(f"mlxk_rules.engine.cli.commands.{command}"), "run", broken)
    words = ["x"] * wanted_words(command)
    code, out, err = ran(capsys, command, *words)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1 and "ZeroDivisionError: oops" in err and "--debug" in err
    harmless(err)
    with pytest.raises(ZeroDivisionError):
        main([command, *words, "--debug"])


SCRIPT = [sys.executable, "-c", "from mlxk_rules.engine.cli import script; script()"]


@pytest.mark.parametrize(
    "words",
    [
        ["explain", HELLO, "--quick"],
        ["explain", HELLO, "--image"],
        ["explain", "./none"],
        ["probe", HELLO, "--x"],
        ["policy"],
        [],
    ],
    ids=" ".join,
)
def test_the_script_says_what_main_says(words: list[str]) -> None:
    ends = [
        subprocess.run([*program, *words], capture_output=True, cwd=ROOT, timeout=60) for program in (COMMAND, SCRIPT)
    ]
    assert ends[0].args != ends[1].args
    assert (ends[0].returncode, ends[0].stdout, ends[0].stderr) == (ends[1].returncode, ends[1].stdout, ends[1].stderr)


def test_the_script_flushes_and_minds_no_closed_pipe() -> None:
    command = [*SCRIPT, "probe", HELLO, "--quick"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    with process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 1)
