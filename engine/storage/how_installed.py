"""How this package was installed, and the command that adds what is missing to exactly that installation.

It is on no index, so `pip install 'mlxk-rules[text]'` helps nobody: what helps is the libraries themselves, put where
this package is, or the same install again with one extra more.
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Any

from ..problems import near

PACKAGE = "mlxk-rules"
# Of an extra: what brings it, where the package's own metadata cannot be read.
_LIBRARIES = {
    "text": "mlx-lm",
    "vision": "mlx-vlm",
    "audio": "mlx-audio",
    "analysis": "z3-solver",
    "hub": "huggingface_hub",
    "editor": "pygls",
}
EXTRAS = {"mlx_lm": "text", "mlx_vlm": "vision", "mlx_audio": "audio"}


def install_command(extra: str, prefix: str = sys.prefix) -> str:
    """Return the command that installs what an extra of this package names, beside it; `all` is three of them.

    prefix: the environment's folder. An environment of `uv tool` is made again by uv with one extra more, as uv would
    forget what others put there; pipx has a command for it; else the environment's own pip does it, or uv.
    """
    receipt = Path(prefix) / "uv-receipt.toml"
    if receipt.is_file() and (again := _uv_tool(receipt, extra)):
        return again
    wanted = " ".join(map(quote, _requirements(extra)))
    if (Path(prefix) / "pipx_metadata.json").is_file():
        return f"pipx inject {PACKAGE} {wanted}"
    python = quote(near(sys.executable)) if sys.executable else "python3"
    if find_spec("pip") is None:
        return f"uv pip install --python {python} {wanted}"
    return f"{python} -m pip install {wanted}"


def _uv_tool(receipt: Path, extra: str) -> str | None:
    import tomllib

    try:
        listed: list[dict[str, Any]] = tomllib.loads(receipt.read_text("utf-8"))["tool"]["requirements"]
        own = next(one for one in listed if one.get("name") == PACKAGE)
        folder = own.get("directory") or own.get("editable") or own.get("path")
        extras = sorted({*own.get("extras", []), extra})
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    if not isinstance(folder, str) or not os.path.exists(folder):
        return None
    wanted = f"{folder}[{','.join(extras)}]"
    return f"uv tool install --force {quote(wanted)}"


def _requirements(extra: str) -> list[str]:
    """What an extra brings on this machine, as the package's metadata says."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement

        declared = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return list(_LIBRARIES.values())[:3] if extra == "all" else [_LIBRARIES.get(extra, extra)]
    names = ("text", "vision", "audio") if extra == "all" else (extra,)
    found: dict[str, None] = {}
    for line in declared:
        try:
            one = Requirement(line)
        except InvalidRequirement:
            continue
        if one.marker is not None and any(
            one.marker.evaluate({"extra": name}) and not one.marker.evaluate({"extra": ""}) for name in names
        ):
            one.marker = None
            found[str(one)] = None
    return list(found) or [_LIBRARIES.get(extra, extra)]
