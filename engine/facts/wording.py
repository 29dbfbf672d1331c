"""What people are told in place of data: names, sizes and short values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

LIBRARIES = {"mlx_lm": "mlx-lm", "mlx_vlm": "mlx-vlm", "mlx_audio": "mlx-audio"}
BACKENDS = {**LIBRARIES, "unsupported": "no backend"}
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


def json_text(value: Any) -> str:
    """Return a value in JSON; of the usual ones without the module json, whose import costs a start 1 ms."""
    if value is None or type(value) is bool:
        return "null" if value is None else str(value).lower()
    if type(value) is int or (type(value) is float and value - value == 0.0):
        return repr(value)
    if type(value) is str and value.isascii() and value.isprintable() and not ('"' in value or "\\" in value):
        return f'"{value}"'
    if type(value) is list:
        return f"[{', '.join(map(json_text, value))}]"
    if type(value) is dict and all(type(key) is str for key in value):
        return f"{{{', '.join(f'{json_text(key)}: {json_text(inner)}' for key, inner in value.items())}}}"
    import json

    return json.dumps(value, ensure_ascii=False)
