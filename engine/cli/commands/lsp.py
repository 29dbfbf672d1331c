"""mlxk-rules lsp."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from ...problems import UsageError
from ...storage.how_installed import install_command
from ..exit_codes import YES


def run(options: dict[str, Any]) -> int:
    """Speak with an editor over the standard streams until it ends. Raises UsageError where pygls is not installed."""
    try:
        from ..language_server import server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        help = install_command("editor")
        raise UsageError("no-language-server", "pygls is not installed, which speaks with editors", help) from None
    # pygls closes what it spoke through; the streams themselves stay for what is said at the end.
    with os.fdopen(os.dup(0), "rb") as told, os.fdopen(os.dup(1), "wb") as says:
        server(version("mlxk-rules")).start_io(told, says)
    return YES
