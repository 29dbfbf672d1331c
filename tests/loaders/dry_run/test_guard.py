"""What a dry run may not do, tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import os, sys
from mlxk_rules.loaders.dry_run import guard
folder = sys.argv[1]
def refused(work):
    try:
        work()
    except PermissionError as error:
        return "a dry run" in str(error)
    return False
"""
REFUSED = {
    "a connection": "import socket; work = lambda: socket.create_connection(('127.0.0.1', 9))",
    "a name": "import socket; work = lambda: socket.getaddrinfo('example.org', 80)",
    "a process": "import subprocess; work = lambda: subprocess.run(['true'])",
    "a shell": "work = lambda: os.system('true')",
    "a file in the folder": "work = lambda: open(f'{folder}/x', 'w')",
    "a file that is there": "work = lambda: open(f'{folder}/config.json', 'r+b')",
    "a file by a link": "os.symlink(folder, f'{folder}-link'); work = lambda: open(f'{folder}-link/x', 'a')",
}
ALLOWED = {
    "reading": "work = lambda: open(f'{folder}/config.json').read()",
    "a file elsewhere": "work = lambda: open(f'{folder}-elsewhere', 'w')",
}


def answer(code: str, folder: Path) -> str:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    body = f"{HEAD}\n{code}\nwith guard.closed(folder):\n    print(refused(work))\n"
    done = subprocess.run([sys.executable, "-c", body, str(folder)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str, tmp_path: Path) -> None:
    assert answer(REFUSED[what], tmp_path / "model") == "True"


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed(what: str, tmp_path: Path) -> None:
    assert answer(ALLOWED[what], tmp_path / "model") == "False"


def test_memory_is_bounded(tmp_path: Path) -> None:
    code = (
        "from mlxk_rules.loaders.dry_run import guard; guard.MOST_BYTES = 256 << 20; import os\n"
        "guard.limit_memory(lambda: os._exit(7))\n"
        "try:\n    kept = [bytearray(1 << 20) for _ in range(4096)]\n"
        "except MemoryError:\n    os._exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 7
