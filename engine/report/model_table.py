"""The table of `list`: five columns that fit the screen, and for what is no plain yes the reason below its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..facts.wording import BACKENDS, size_text
from .terminal import VERDICT_COLOURS, Screen, safe

if TYPE_CHECKING:
    from typing import Any

_SIZE, _BACKEND, _VERDICT, _MEMORY = 10, 9, 7, 6  # columns: `1023 bytes`, `mlx-audio`, `warn`, `MEMORY`
_LEAST = 20  # of a name
_MOST_LINES = 3  # of a reason
_FOR = {"images": "for images only: --image", "audio": "for audio only: --audio"}


class Table:
    """Lays rows out for a screen. one_line: a row is one line, with the whole reason at its end, for a pipe."""

    def __init__(self, screen: Screen, names: Sequence[str], one_line: bool, asked: bool) -> None:
        """asked: the request was named, so that what a model is allowed for need not be said."""
        self._screen, self._one_line, self._asked = screen, one_line, asked
        widest = max(len("MODEL"), *(len(safe(name)) for name in names)) if names else len("MODEL")
        room = widest if one_line or screen.width is None else screen.width - _SIZE - _BACKEND - _VERDICT - _MEMORY - 8
        self._name = min(widest, max(room, _LEAST))

    def head(self) -> str:
        """Return the columns' names."""
        end = "  REASON" if self._one_line else ""
        return self._screen.style(f"{self._cells('MODEL', 'SIZE', 'BACKEND', 'VERDICT', 'MEMORY')}{end}", "dim")

    def lines(self, row: dict[str, Any]) -> list[str]:
        """Return a row's lines; what stands in it is made harmless."""
        size = "-" if row["size_bytes"] is None else size_text(row["size_bytes"])
        backend = BACKENDS[row["backend"]] if row["backend"] != "unsupported" else "-"
        share = row["memory_ratio"]
        memory = "-" if not share else "<1%" if share < 0.01 else f"{share:.0%}" if share < 10 else ">999%"
        verdict = row["decision"] or "error"
        cells = self._cells(_cut(safe(row["name"]), self._name), size, backend, verdict, memory)
        colour = VERDICT_COLOURS.get(verdict, "red")
        at = self._name + _SIZE + _BACKEND + 6
        line = f"{cells[:at]}{self._screen.style(cells[at : at + len(verdict)], colour)}{cells[at + len(verdict) :]}"
        reason = safe(reason_of(row, self._asked))
        if self._one_line:
            return [f"{line}  {reason}".rstrip()]
        wrapped = self._screen.wrapped(reason, "    ", "    ") if reason else []
        if len(wrapped) > _MOST_LINES:
            wrapped = [*wrapped[: _MOST_LINES - 1], f"{wrapped[_MOST_LINES - 1][: (self._screen.width or 80) - 4]} ..."]
        return [line.rstrip(), *(self._screen.style(one, "dim") for one in wrapped)]

    def _cells(self, name: str, size: str, backend: str, verdict: str, memory: str) -> str:
        return (
            f"{name:<{self._name}}  {size:>{_SIZE}}  {backend:<{_BACKEND}}  {verdict:<{_VERDICT}}  {memory:>{_MEMORY}}"
        )


def reason_of(row: dict[str, Any], asked: bool) -> str:
    """Return why a row is as it is, without the name that stands in its first column."""
    text, name = row["reason"] or "", f"`{row['name']}`"
    text = text.removeprefix(f"{name}: ").removeprefix(f"{name} ").replace(f" of {name}", "").replace(name, "it")
    own = "" if asked or row["decision"] not in ("allow", "warn") else _FOR.get(row["request"] or "", "")
    return f"{own}; {text}" if own and text else own or text


def _cut(name: str, width: int) -> str:
    """A name that is too long loses its middle: its end, such as `-4bit`, tells models apart."""
    if len(name) <= width:
        return name
    end = (width - 3) // 2
    return f"{name[: width - 3 - end]}...{name[len(name) - end :]}"
