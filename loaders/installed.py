"""Whether a backend is installed, where and which version, without importing it."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from . import files


class Installed(NamedTuple):
    """A package's folder, its version where that can be told, and the times of its files where they were looked at."""

    folder: Path
    version: str | None
    times: tuple[int, int] | None = None


def find(name: str) -> Installed | None:
    """Looks up a top-level package on the import path; None where `import name` would find none."""
    try:
        spec = find_spec(name)  # of a top-level name: imports nothing
    except (ImportError, ValueError):  # None stands in sys.modules, or a module without a spec
        return None
    if spec is None or not spec.origin or Path(spec.origin).stem != "__init__":
        return None  # a namespace package: the empty folder that an uninstall leaves behind
    folder = Path(spec.origin).parent
    return Installed(folder, _version(folder))


def _version(folder: Path) -> str | None:
    # Not importlib.metadata: importing that costs 50 ms, and it looks through every installed package.
    pattern = re.compile(re.escape(folder.name) + r"-([^-]+)\.(?:dist|egg)-info", re.IGNORECASE)
    try:
        with os.scandir(folder.parent) as entries:
            found = [match.group(1) for entry in entries if (match := pattern.fullmatch(entry.name))]
    except OSError:
        found = []
    if len(found) == 1:
        return found[0]
    for name in ("_version.py", "version.py", "__init__.py"):
        try:
            text = files.read(folder / name, 1 << 16).decode("utf-8", "replace")
        except OSError:
            continue
        if match := re.search(r"""^__version__\s*(?::\s*\w+\s*)?=\s*["']([^"'\n]{1,80})["']""", text, re.MULTILINE):
            return match.group(1)
    return max(found, default=None)
