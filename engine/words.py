"""What people are told in place of data: names and sizes."""

from __future__ import annotations

BACKENDS = {"mlx_lm": "mlx-lm", "mlx_vlm": "mlx-vlm", "mlx_audio": "mlx-audio", "unsupported": "no backend"}
GIB = 1024**3


def size_text(size: float | None) -> str:
    """Return bytes in the unit that fits, of 1024 each, as memory is sold: `1.5 GB`."""
    if size is None:
        return "an unknown amount"
    whole = abs(size)
    if not whole >= 1024:
        return f"{size:g} bytes"
    if whole < GIB:
        return f"{size / 1024:.1f} KB" if whole < 1024**2 else f"{size / 1024**2:.1f} MB"
    return f"{size / GIB:.1f} GB" if whole < 1024**4 else f"{size / 1024**4:.1f} TB"
