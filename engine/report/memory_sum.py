"""What a model needs of memory, as a sum that adds up to the last digit shown, and as a bar."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..decision import Trace

_UNITS = (("TB", 1024**4), ("GB", 1024**3), ("MB", 1024**2), ("KB", 1024))


class MemorySum(NamedTuple):
    """What is needed, in bytes; None where it cannot be told. parts: how much each thing takes, and what it is."""

    parts: tuple[tuple[int | None, str], ...]
    needed: int
    total: int | None
    limit: int | None

    @property
    def share(self) -> float | None:
        """What is needed, as a share of all memory."""
        return self.needed / self.total if self.total else None

    @property
    def over(self) -> int:
        """How many bytes it is over what may be used; 0 where it is not."""
        return max(0, self.needed - self.limit) if self.limit is not None else 0


def memory_sum(trace: "Trace") -> MemorySum | None:
    """Return what the policy derived of memory; None where it derives no such sum."""
    derived, facts = trace.derived, trace.facts
    load, needed = _bytes(derived.get("load_bytes")), _bytes(derived.get("needed_bytes"))
    if load is None or needed is None:
        return None
    tokens = _bytes(derived.get("context"))
    cache = "cache" if tokens is None else f"cache for {tokens:,} tokens"
    parts: list[tuple[int | None, str]] = [(load, "weights")]
    for name, what in (("kv_bytes", cache), ("prompt_bytes", "prompt"), ("image_bytes", "image")):
        # An image that is not sent takes nothing, and a speech model's cache is none: what is 0 is not told.
        if name in derived and derived[name] != 0:
            parts.append((_bytes(derived[name]), what))
    total = _bytes(facts.get("memory", {}).get("total_bytes"))
    return MemorySum(tuple(parts), needed, total, _bytes(derived.get("memory_limit")))


def sum_text(memory: MemorySum) -> str:
    """Return `2.1 GB weights + 0.3 GB cache for 2,048 tokens + 0.4 GB prompt = 2.8 GB`, which adds up as it stands."""
    letters, unit = next(((name, size) for name, size in _UNITS if memory.needed >= size), ("bytes", 1))
    known = [size for size, _ in memory.parts if size is not None]
    shown = _tenths(known, unit)
    numbers = iter(shown)
    words: list[str] = []
    for size, what in memory.parts:
        tenths = next(numbers) if size is not None else None
        many = "an unknown" if tenths is None else f"{_number(tenths, unit) if tenths else 'under 0.1'} {letters}"
        words.append(f"{many} {what}")
    if len(words) == 1:
        return words[0]
    least = "" if len(known) == len(memory.parts) else " at least"
    return f"{' + '.join(words)} = {_number(sum(shown), unit)} {letters}{least}"


def bar(share: float, limit: float | None, width: int, blocks: bool) -> str:
    """Return a bar of `width` characters, filled by `share` of 1; a mark stands where the limit is."""
    full, empty, mark = ("\u2588", "\u2591", "\u2502") if blocks else ("#", ".", "|")
    filled = min(width, max(1 if share > 0 else 0, round(share * width)))
    cells = [full] * filled + [empty] * (width - filled)
    if limit is not None and 0 < limit < 1 and (at := min(width - 1, round(limit * width))) >= filled:
        cells[at] = mark
    return "".join(cells)


def _tenths(sizes: list[int], unit: int) -> list[int]:
    """Return each size in tenths of a unit, rounded so that they add up to their sum rounded."""
    step = unit if unit == 1 else unit / 10
    exact = [size / step for size in sizes]
    found = [int(one) for one in exact]
    left = round(sum(exact)) - sum(found)
    for number in sorted(range(len(exact)), key=lambda at: found[at] - exact[at])[:left]:
        found[number] += 1
    return found


def _number(tenths: int, unit: int) -> str:
    return f"{tenths:,}" if unit == 1 else f"{tenths / 10:,.1f}"


def _bytes(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
