"""The functions of the language that reckon with memory: of a cache, of a prompt, of several machines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..facts.wording import size_text

if TYPE_CHECKING:
    from typing import Any

_MOST_SAID = 3
_MACHINE_BYTES = ("total_bytes", "recommended_bytes", "weights_bytes", "peak_bytes")


def cache_bytes(cache: dict[str, Any] | None, tokens: float | None) -> float | None:
    """Return the bytes of a cache at so many tokens; its form is that of the facts `dry_run.BACKEND.cache`."""
    if cache is None or tokens is None:
        return None
    try:
        total = cache["fixed_bytes"]
        for part in cache["parts"]:
            step, most = part["step_tokens"], part["max_tokens"]
            held = -(-tokens // step) * step
            total += part["bytes_per_token"] * (held if most is None else min(held, most))
        return math.ceil(total)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None  # no cache's sizes


def prompt_bytes(prompt: dict[str, Any] | None, tokens: float, step: float) -> float | None:
    """Return what a prompt takes that is read in steps; its form is that of the facts `dry_run.BACKEND.prompt`."""
    if prompt is None or step <= 0:
        return None
    whole = tokens // step * step
    # Each token of a step looks at all tokens so far: the last full step, or the short one after it, has most pairs.
    steps = [(tokens - whole, tokens), *([(step, whole)] if whole else [])]
    try:
        fixed, token, pair = prompt["fixed_bytes"], prompt["bytes_per_token"], prompt["bytes_per_pair"]
        return math.ceil(max(fixed + token * size + pair * size * so_far for size, so_far in steps))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # no prompt's sizes


def machine_sums(machines: list[Any], tokens: float, step: float, ratio: float, physical: float) -> dict[str, Any]:
    """Return what each machine needs of its memory; the machines' form is that of the fact `machines.hosts`."""
    rows = [_machine_sum(one, tokens, step, ratio, physical) for one in machines if isinstance(one, dict)]
    return {
        "rows": rows,
        "over_memory": _few([_needs(row) for row in rows if _over(row["needed_bytes"], row["most_bytes"])]),
        "over_limit": _few([_needs(row) for row in rows if _over(row["needed_bytes"], row["limit_bytes"])]),
        "over_loading": _few([_loads(row) for row in rows if _over(row["peak_bytes"], row["limit_bytes"])]),
        "unknown": _few([row["name"] for row in rows if row["limit_bytes"] is None]),
    }


def _needs(row: dict[str, Any]) -> str:
    return (
        f"{row['name']} needs {size_text(row['needed_bytes'])} ({size_text(row['weights_bytes'])} of weights,"
        f" {size_text(row['cache_bytes'])} of cache, {size_text(row['prompt_bytes'])} for the prompt) of"
        f" {size_text(row['memory_bytes'])}"
    )


def _loads(row: dict[str, Any]) -> str:
    return f"{row['name']} takes {size_text(row['peak_bytes'])} while it loads, of {size_text(row['memory_bytes'])}"


def _few(sentences: list[str]) -> list[str]:
    left = len(sentences) - _MOST_SAID
    return [*sentences[:_MOST_SAID], f"{left} more"] if left > 0 else sentences


def _machine_sum(machine: dict[str, Any], tokens: float, step: float, ratio: float, physical: float) -> dict[str, Any]:
    given = {name: _whole_or_null(machine.get(name)) for name in _MACHINE_BYTES}
    cache, prompt = (one if isinstance(one := machine.get(name), dict) else None for name in ("cache", "prompt"))
    cache_size, prompt_size = cache_bytes(cache, tokens), prompt_bytes(prompt, tokens, step)
    weights, total = given["weights_bytes"], given["total_bytes"]
    needed = None if weights is None else weights + (cache_size or 0) + (prompt_size or 0)
    limit = given["recommended_bytes"] or (None if total is None else int(total * ratio))
    return {
        "name": name if isinstance(name := machine.get("name"), str) else "",
        "ranks": machine.get("ranks"),
        "weights_bytes": weights,
        "cache_bytes": cache_size,
        "prompt_bytes": prompt_size,
        "needed_bytes": needed,
        "peak_bytes": given["peak_bytes"],
        "memory_bytes": total,
        "limit_bytes": limit,
        "most_bytes": None if total is None else int(total * physical),
        "fits": None if needed is None or limit is None else needed <= limit,
    }


def _whole_or_null(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _over(size: float | None, most: float | None) -> bool:
    return size is not None and most is not None and size > most
