"""Whether a backend is installed, where and which version, without importing it."""

import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .. import bounded_files

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from pathlib import Path


NAMES = {"mlx_lm": "mlx-lm", "mlx_vlm": "mlx-vlm", "mlx_audio": "mlx-audio"}  # as people know them
BACKENDS = tuple(NAMES)


class Installed(NamedTuple):
    """A package's folder, and its version where that can be told."""

    folder: str
    version: str | None

    @property
    def path(self) -> "Path":
        """The folder."""
        from pathlib import Path  # which an answer can do without

        return Path(self.folder)


def find(name: str, listed: Callable[[str], list[str]] = os.listdir) -> Installed | None:
    """Looks up a top-level package on the import path; None where `import name` would find none.

    `listed` tells what is in a folder: who asks for several packages of one folder need not list it again.
    """
    spec = spec_of(name)
    if spec is None or not spec.origin or not os.path.basename(spec.origin).startswith("__init__."):
        return None  # a namespace package: the empty folder that an uninstall leaves behind
    folder = os.path.dirname(spec.origin)
    return Installed(folder, version(folder, listed))


def spec_of(name: str) -> "ModuleSpec | None":
    """What `import name` of a top-level name would take, as importlib.util tells, whose own import costs 0.5 ms."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__spec__", None)  # of None, which bars a name, there is none
    try:
        return next((spec for finder in sys.meta_path if (spec := finder.find_spec(name, None)) is not None), None)
    except (ImportError, ValueError, AttributeError):  # a finder that does not do what finders do
        return None


def version(folder: str, listed: Callable[[str], list[str]] = os.listdir) -> str | None:
    """The version of the package in this folder, where what lies beside it or in it tells one."""
    # Not importlib.metadata: importing that costs 50 ms, and it looks through every installed package.
    beside, package = os.path.split(folder)
    prefix = f"{package.lower()}-"
    try:
        named = [name for name in listed(beside) if name.lower().startswith(prefix)]
    except OSError:
        named = []
    found = [version for name in named if (version := _version_in(name[len(prefix) :])) and "-" not in version]
    if len(found) == 1:
        return found[0]
    for name in ("_version.py", "version.py", "__init__.py"):
        try:
            text = bounded_files.read(f"{folder}/{name}", 1 << 16).decode("utf-8", "replace")
        except OSError:
            continue
        if match := re.search(r"""^__version__\s*(?::\s*\w+\s*)?=\s*["']([^"'\n]{1,80})["']""", text, re.MULTILINE):
            return match.group(1)
    return max(found, default=None)


def _version_in(rest: str) -> str:
    """The version in what follows a package's name: `1.2.dist-info`; empty where that is something else."""
    version, dot, ending = rest.rpartition(".")
    return version if dot and ending.lower() in ("dist-info", "egg-info") else ""
