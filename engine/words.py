"""What people are told in place of data: names and sizes."""

from __future__ import annotations

BACKENDS = {"mlx_lm": "mlx-lm", "mlx_vlm": "mlx-vlm", "mlx_audio": "mlx-audio", "unsupported": "no backend"}
GIB = 1024**3


def size_text(size: float | None) -> str:
    """Return bytes in the unit that fits, of 1024 each, as memory is sold: `1.5 GB`."""
    if size is None:
        return "an unknown amount"
    for unit, factor in (("TB", GIB * 1024), ("GB", GIB), ("MB", 1024**2), ("KB", 1024)):
        if abs(size) >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:g} bytes"
