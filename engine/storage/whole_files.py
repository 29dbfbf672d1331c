"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..problems import UsageError


def write(path: Path, text: str) -> None:
    """Write or replace the file at `path`, whole or not at all; a link's target is replaced, a mode kept.

    Raises OSError.
    """
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(_mode(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_page(name: str, text: str) -> None:
    """Write the HTML page that --html names. Raises UsageError where it is called otherwise, or cannot be written."""
    if not name.lower().endswith((".html", ".htm")):
        # A slip such as `--html policy.yaml` would else replace a rule file.
        raise UsageError("bad-value", f"`{name[:100]}` is not called like a page", "write --html NAME.html")
    try:
        write(Path(name), text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError("unwritable-file", f"cannot write `{name[:100]}`: {reason}", "check the folder") from None


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
