"""What tests of the command line share: running it here, and as a program of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.cli.command_line import main
from mlxk_rules.engine.cli.usage import COMMANDS

ROOT = Path(__file__).parents[2]
HELLO = "tests/models/hello"
COMMAND = [sys.executable, "-c", "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())"]
Capture = pytest.CaptureFixture[str]
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\u200b\x9b31m\r\nfake"


def ran(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


def facts_file(folder: Path, *lines: Any) -> str:
    file = folder / "facts.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return str(file)


def heeds_ctrl_c() -> None:
    """Called in a new process: whoever runs the tests in the background has SIGINT ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def in_subprocess(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, cwd=ROOT
    )


def harmless(text: str) -> None:
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b\u2028"], (
        repr(text)
    )


def wanted_words(command: str) -> int:
    """Return how many words a command wants, as its usage says."""
    line = next(line for line in COMMANDS[command].splitlines() if line.startswith("  mlxk-rules "))
    return len(re.findall(r"\b[A-Z]+\b", line.split("[")[0]))
