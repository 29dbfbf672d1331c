"""The facts below `machines` where nobody asks for more than one: whoever asks so pays for no more than this."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

# Counts of machines that are tried for a model that does not fit, or that cannot be split among those there are.
COUNTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64)


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
