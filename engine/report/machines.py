"""What each of several machines would hold of a model, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..facts.wording import size_text
from .terminal import safe

if TYPE_CHECKING:
    from typing import Any

    from ..decision import Trace

_HEADING = ("", "weights", "cache", "prompt", "needs", "loading", "memory", "fits")
_MOST = 70  # rows
_NAME = 18  # characters of a host's name, so that a row has room on 80 columns
_HERE = "127.0.0.1"


def machines_text(trace: Trace) -> str | None:
    """Return how the model is split, in a few words; None where it is for one machine alone."""
    machines = trace.facts.get("machines", {})
    count, split = machines.get("count"), machines.get("split")
    if not count or count < 2:
        return None
    if not split:
        return f"{count}"
    supports = machines.get("supports") or []
    if machines.get("wanted"):
        why = "as asked for"
    elif len(supports) < 2:
        why = "the one split that mlx-lm has for the type"
    else:
        why = "as mlx-lm chooses" if split == "tensor" else "as by tensor mlx-lm cannot"
    link = f", linked by {safe(machines['link'])}" if machines.get("link") else ""
    return f"{count} by {split}, {why}{link}"


def machine_table(trace: Trace) -> list[str]:
    """Return a line for each machine with what it needs of its memory, under a heading; none where there is none."""
    sums = trace.derived.get("machine_sums")
    rows: list[dict[str, Any]] = sums.get("rows", []) if isinstance(sums, dict) else []
    if not any(row["weights_bytes"] is not None for row in rows):
        return []
    cells = [_HEADING, *(_cells(row) for row in rows[:_MOST])]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADING))]
    lines = ["  ".join([name.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]) for name, *rest in cells]
    left = len(rows) - _MOST
    return [*(line.rstrip() for line in lines), *([f"and {left} more"] if left > 0 else [])]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    name = "this machine" if row["name"] == _HERE else row["name"]
    ranks = row["ranks"] or []
    name = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    many = f" x{len(ranks)}" if len(ranks) > 1 else ""
    sizes = (row[key] for key in ("weights_bytes", "cache_bytes", "prompt_bytes", "needed_bytes", "peak_bytes"))
    fits = {True: "yes", False: "no", None: "unknown"}[row["fits"]]
    return (safe(f"{name}{many}"), *map(_size, sizes), _size(row["memory_bytes"]), fits)


def _size(size: int | None) -> str:
    return "unknown" if size is None else size_text(size)
