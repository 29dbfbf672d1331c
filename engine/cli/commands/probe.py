"""mlxk-rules probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exit_codes import YES
from .common import print_json, probed

if TYPE_CHECKING:
    from typing import Any


def run(options: dict[str, Any]) -> int:
    """Print the facts of a model as JSON. Returns 0."""
    print_json(probed(options))
    return YES
