"""The gates as a picture in a page: one line from top to bottom, a stop for each gate, its decision to the right."""

from __future__ import annotations

from ..terminal import safe
from .markup import Html, el
from .steps import State, Step, cut

_WIDTH, _ROW, _TOP = 860, 34, 52
_RAIL, _NAME, _CHIP, _ENDS = 36, 58, 458, 546
_CHARACTER = 8.2  # the width of one of a monospaced font of 13.5 px, at most


def picture(steps: tuple[Step, ...], title: str, described: str) -> Html:
    """Return an SVG of the gates; where one fired, the way to it stands out."""
    height = _TOP + _ROW * len(steps)
    last = _y(len(steps))
    fired = next((step for step in steps if step.state is State.FIRED), None)
    parts: list[str] = [
        el("title", title, id="picture-title"),
        el("desc", described, id="picture-description"),
        el("text", "a request", x=_NAME, y=24, class_="ends"),
        _line(_RAIL, 20, _RAIL, last, "rail"),
    ]
    if fired is not None:
        parts.append(_line(_RAIL, 20, _RAIL, _y(fired.number), "way"))
    parts.append(el("circle", cx=_RAIL, cy=20, r=4, class_="stop"))
    parts += [_stop(step) for step in steps]
    return el(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_labelledby="picture-title picture-description",
    )


def _stop(step: Step) -> Html:
    y = _y(step.number)
    name = cut(safe(step.gate.id), 44)
    begin = _NAME + len(name) * _CHARACTER + 10
    fired = step.state is State.FIRED
    inside: list[str | None] = [
        el("title", step.when),
        el("text", str(step.number), x=_RAIL - 17, y=y + 4, class_="index"),
        el("circle", cx=_RAIL, cy=y, r=7 if fired else 5, class_="stop"),
        el("text", name, x=_NAME, y=y + 4.5, class_="name"),
        _line(begin, y, _CHIP - (20 if fired else 10), y, "leader") if begin < _CHIP - 24 else None,
        el("path", d=f"M{_CHIP - 22} {y - 6} l14 6 l-14 6 z", class_="tip") if fired else None,
        el("rect", x=_CHIP, y=y - 11, width=72, height=22, rx=11, class_=f"chip {step.decide}"),
        el("text", step.decide, x=_CHIP + 36, y=y + 4.5, class_=f"verb {step.decide}"),
        el("text", cut(safe(step.ends), 36), x=_ENDS, y=y + 4.5, class_="ends"),
    ]
    return el("a", *inside, href=f"#gate-{step.gate.id}", class_=str(step.state))


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    return el("line", x1=round(x1, 1), y1=y1, x2=round(x2, 1), y2=y2, class_=class_)


def _y(number: int) -> int:
    return _TOP + _ROW * (number - 1) + 8
