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
    prefix = f"{folder.name.lower()}-"
    try:
        named = [name for name in os.listdir(folder.parent) if name.lower().startswith(prefix)]  # noqa: PTH208
    except OSError:
        named = []
    found = [version for name in named if (version := _version_in(name[len(prefix) :])) and "-" not in version]
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


def _version_in(rest: str) -> str:
    """The version in what follows a package's name: `1.2.dist-info`; empty where that is something else."""
    version, dot, ending = rest.rpartition(".")
    return version if dot and ending.lower() in ("dist-info", "egg-info") else ""
