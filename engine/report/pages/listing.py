"""An outline as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from ...rulefile.document import StringSet
from ..terminal import VERDICT_COLOURS, Style, safe
from .outline import Outline, added, gives, when
from .steps import steps

_WIDTH = 110


def listing(view: Outline, style: Style, chosen_by: str) -> str:
    """Return every part of a policy with its place; `chosen_by` says what chose it, or is ""."""
    document = view.document
    own, *bases = view.layers
    by = style(f", from {safe(chosen_by)}", "dim") if chosen_by else ""
    lines = [f"{style(f'{own.name} {own.version}', 'bold')}  {_dim(own.file, style)}{by}"]
    lines += [f"extends {layer.name} {layer.version}  {_dim(layer.file, style)}" for layer in bases]
    for heading, part in (
        ("sets", [line for each in document.sets for line in _set(each, view, style)]),
        ("limits", _limits(view, style)),
        ("derived facts", _derived(view, style)),
        ("gates", _gates(view, style)),
        ("taken out", _removed(view, style)),
    ):
        if part:
            lines += ["", style(heading, "bold"), *part]
    return "\n".join(lines)


def _set(part: StringSet, view: Outline, style: Style) -> Iterable[str]:
    yield f"  {part.name}  {len(part.add)} entries  {_dim(view.where('set', part.name, part.place), style)}"
    new = added(part)
    yield from _wrapped(", ".join(safe(word) for word in part.add if word not in new))
    for word, place in new.items():
        yield f"    {style('+', 'green')} {safe(word)}  {_dim(str(place), style)}"


def _limits(view: Outline, style: Style) -> list[str]:
    return [
        f"  {part.name} = {part.value:g}  {_dim(view.where('limit', part.name, part.place), style)}"
        for part in view.document.limits
    ]


def _derived(view: Outline, style: Style) -> list[str]:
    lines: list[str] = []
    for part in view.document.derive:
        lines.append(f"  {part.name}  {_dim(view.where('derived fact', part.name, part.place), style)}")
        for branch in part.branches:
            condition = when(branch)
            head = f"when {condition}: " if condition else "" if branch.compute is not None else "otherwise: "
            lines += _wrapped(safe(f"{head}{gives(branch)}"))
    return lines


def _gates(view: Outline, style: Style) -> list[str]:
    lines: list[str] = []
    for step in steps(view.document, None):
        gate = step.gate
        decides = style(gate.decide, VERDICT_COLOURS[gate.decide])
        place = _dim(view.where("gate", gate.id, gate.place), style)
        lines.append(f"  {step.number:>2} {style(gate.id, 'bold')}  {decides} {step.ends}  {place}")
        lines += _wrapped(safe(f"when {step.when}" if gate.when is not None else step.when), 5)
    return lines


def _removed(view: Outline, style: Style) -> list[str]:
    return [
        f"  {style('-', 'red')} {safe(part.what)}  {_dim(f'{part.place}, by {part.by}', style)}"
        for part in view.removed
    ]


def _dim(text: str, style: Style) -> str:
    return style(safe(text), "dim")


def _wrapped(text: str, indent: int = 4) -> list[str]:
    space = " " * indent
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=space,
        subsequent_indent=f"{space}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
