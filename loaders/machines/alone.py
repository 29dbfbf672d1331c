"""The facts below `machines` where nobody asks for more than one: whoever asks so pays for no more than this."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def none() -> dict[str, Any]:
    """The facts where there is one machine alone."""
    return {
        "count": None,
        "link": None,
        "wanted": None,
        "status": "not_done",
        "reason": None,
        "supports": [],
        "mlx_versions": [],
        "mlx_lm_versions": [],
        "unlike_hosts": [],
        "split": None,
        "refused": None,
        "uneven": [],
        "hosts": [],
        "ways": {},
    }
