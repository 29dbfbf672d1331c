"""Two kinds of plots as SVG text: bars and lines, both over a logarithm of time, as what is compared spans decades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from .measure import seconds

Line = tuple[str, Sequence[tuple[float, float]]]
_STYLE = (
    "<style>text{font:12px sans-serif;fill:#222}.title{font-weight:bold}"
    ".axis{stroke:#bbb;stroke-width:1}.bar{fill:#9db4c8}.ours{fill:#1f6f54}"
    ".line{fill:none;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#555}}</style>"
)
_COLOURS = ("#1f6f54", "#b5542c", "#3f5fa8", "#8a6d1d")


def bars(title: str, rows: Sequence[tuple[str, float]], ours: str) -> str:
    """A horizontal bar for each (name, seconds), quickest first; the one called `ours` stands out."""
    ordered = sorted(rows, key=lambda row: row[1])
    low = _decade_below(ordered[0][1])
    width, left, line = 720, 250, 24
    scale = (width - left - 90) / math.log10(max(ordered[-1][1] / low, 10))
    parts: list[str] = []
    for number, (name, value) in enumerate(ordered):
        y = 40 + number * line
        length = max(2.0, scale * math.log10(value / low))
        kind = "ours" if name == ours else "bar"
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect class="{kind}" x="{left}" y="{y}" width="{length:.1f}" height="16"/>')
        parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 13}">{seconds(value)}</text>')
    return _svg(title, width, 50 + line * len(ordered), parts)


def lines(title: str, below: str, series: Sequence[Line]) -> str:
    """A line for each (name, [(size, seconds)]), both axes logarithmic; `below` names the sizes."""
    width, height, left, right, top, bottom = 720, 320, 80, 30, 40, 60
    sizes = sorted({size for _, points in series for size, _ in points})
    values = [value for _, points in series for _, value in points]
    low, high = _decade_below(min(values)), 10 * _decade_below(max(values))

    def x(size: float) -> float:
        return left + (width - left - right) * math.log10(size / sizes[0]) / math.log10(sizes[-1] / sizes[0])

    def y(value: float) -> float:
        return height - bottom - (height - top - bottom) * math.log10(value / low) / math.log10(high / low)

    parts: list[str] = []
    for step in range(round(math.log10(high / low)) + 1):
        value = low * 10**step
        parts.append(f'<line class="axis" x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{seconds(value)}</text>')
    for size in sizes:
        parts.append(f'<text x="{x(size):.1f}" y="{height - bottom + 18}" text-anchor="middle">{size:,.0f}</text>')
    parts.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 24}" text-anchor="middle">{escape(below)}</text>')
    for number, (name, points) in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points)
        parts.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        parts += [f'<circle cx="{x(s):.1f}" cy="{y(v):.1f}" r="3" fill="{colour}"/>' for s, v in points]
        at = left + number * 200
        parts.append(f'<rect x="{at}" y="{height - 14}" width="12" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{at + 18}" y="{height - 8}">{escape(name)}</text>')
    return _svg(title, width, height, parts)


def _decade_below(value: float) -> float:
    return 10.0 ** math.floor(math.log10(value))


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    heading = f'<title>{escape(title)}</title><text class="title" x="12" y="22">{escape(title)}</text>'
    return "\n".join([head, _STYLE, heading, *parts, "</svg>\n"])
