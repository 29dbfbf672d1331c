"""The peers' environments: made once in the bench's cache folder, kept as long as their pins are the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PINS = Path(__file__).parent / "peers.txt"
ROOT = Path(__file__).parents[2]
# Gigabytes that no peer here needs.
REFUSED = re.compile(r"torch|nvidia|cuda|triton|tensorflow|jax", re.IGNORECASE)


class NotInstalled(Exception):
    """A peer cannot be had here; the text says why."""


def cache() -> Path:
    """The bench's own folder, which may be deleted at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(home).expanduser() / "mlxk-rules-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pins(group: str) -> list[str]:
    """The requirements of one group of peers.txt."""
    found: list[str] = []
    current = ""
    for line in PINS.read_text("utf-8").splitlines():
        if line.startswith("# group: "):
            current = line.removeprefix("# group: ").strip()
        elif line and not line.startswith("#") and current == group:
            found.append(line)
    return found


def environment(group: str) -> Path:
    """The bin folder of an environment that holds a group of peers, made where there is none. Raises NotInstalled."""
    wanted, alone = pins(group), pins(f"{group}, without what they require")
    stamp = hashlib.sha256(json.dumps([wanted, *alone, sys.version]).encode()).hexdigest()[:12]
    home = cache() / f"{group}-{stamp}"
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    if (home / "ready").exists():
        return programs
    shutil.rmtree(home, ignore_errors=True)
    print(f"making the environment for {', '.join(wanted)}", file=sys.stderr)
    _run([sys.executable, "-m", "venv", str(home)])
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    _look_first(pip, wanted)
    _run([*pip, *wanted])
    if alone:
        _run([*pip, "--no-deps", *alone])
    (home / "ready").touch()
    return programs


def with_this_project(group: str) -> Path:
    """The same, with this project as it is now installed in it, not editable. Raises NotInstalled."""
    programs = environment(group)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        # A build leaves its own files behind.
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "tests", "build", "*.egg-info", "__pycache__"))
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall"]
        _run([*pip, str(copy)])
    return programs


def _look_first(pip: list[str], wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _run([*pip, "--dry-run", "--report", str(report), *wanted])
        names = [entry["metadata"]["name"] for entry in json.loads(report.read_text("utf-8"))["install"]]
    if refused := [name for name in names if REFUSED.search(name)]:
        raise NotInstalled(f"it would bring in {', '.join(refused)}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise NotInstalled(lines[-1][:200] if lines else f"exit code {done.returncode}")
