"""How a command ends: closed pipes, Ctrl-C, bugs, closed and full streams, encodings."""

from __future__ import annotations

import json
import os
import shutil
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


# How the shell closes or fills a stream; exit code; what stands on standard error.
STREAMS = [
    ("2>&-", 0, ""),
    ("<&-", 0, ""),
    (">&-", 2, "error[output]: the standard output is closed"),
    ("> /dev/full", 2, "error[output]: cannot write the output: No space left on device"),
]


@pytest.mark.parametrize(("stream", "code", "said"), STREAMS)
@pytest.mark.parametrize("words", [f"explain {HELLO} --quick", f"probe {HELLO} --quick", "validate", "--help"])
def test_closed_and_full_streams(words: str, stream: str, code: int, said: str) -> None:
    line = f'"$0" -c "$1" {words} {stream}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable, SCRIPT[2]], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert (done.returncode, done.stderr.partition(";")[0].strip()) == (code, said)


def test_a_name_that_the_output_cannot_spell(tmp_path: Path) -> None:
    folder = tmp_path / "m\xe4"
    shutil.copytree(ROOT / HELLO, folder)
    done = subprocess.run(
        [*SCRIPT, "explain", str(folder), "--quick"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0 and "m\\xe4" in done.stdout and done.stderr == ""
