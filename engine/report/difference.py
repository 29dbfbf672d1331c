"""What two policies decide differently, each pair of gates: as text and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from ..analysis.difference import Change, Difference, Outcome
from ..analysis.substance import substance
from ..analysis.version_bump import Bump
from ..analysis.witness import Witness
from ..facts.vocabulary import ABSENT
from .terminal import Style, safe

_DIRECTIONS = ("less permissive", "more permissive", "other")
_TITLES = {
    "less permissive": "Less permissive",
    "more permissive": "More permissive",
    "other": "Decided alike, for another reason or by another backend",
}
COLOURS = {"less permissive": "red", "more permissive": "green", "other": "yellow"}
_ABSTRACT = "possible in the abstraction, no facts found"


def kinds(changes: Iterable[Change]) -> Iterator[tuple[str, tuple[Outcome, Outcome], list[Change]]]:
    """Yield direction, outcomes before and after, and the changes that are so; those with the fewest facts first."""
    groups: dict[tuple[str, tuple[Outcome, Outcome]], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.direction, (change.before, change.after)), []).append(change)
    for direction in _DIRECTIONS:
        for (one, outcomes), group in groups.items():
            if one == direction:
                yield direction, outcomes, sorted(group, key=_size)


def _size(change: Change) -> tuple[int, int]:
    if change.witness is None:
        return 1000, 0
    return len(change.witness.differing), len(repr(change.witness.differing))


def said(outcome: Outcome) -> str:
    """Return an outcome in a few words: `block unsupported_format (501)`, `allow mlx_lm`."""
    decision, backend, error, http = outcome
    if decision == "block":
        return f"block {error} ({http})"
    return f"{decision} {backend} ({error})" if error else f"{decision} {backend}"


def facts_said(witness: Witness | None) -> str:
    """Return the facts of a witness that are not an ordinary text model's."""
    if witness is None:
        return _ABSTRACT
    parts = [f"{path} = {_value(value)}" for path, value in witness.differing.items()]
    return ", ".join(parts) or "an ordinary text model"


def _value(value: Any) -> str:
    return "(not there)" if value is ABSENT else json.dumps(value, ensure_ascii=True)


def pairs(difference: Difference, style: Style) -> Iterator[str]:
    """Yield every pair of gates between which facts change."""
    yield style(safe(_pairs(difference)), "bold")
    for direction, alike in groupby(kinds(difference.changes), itemgetter(0)):
        yield from ("", style(direction, COLOURS[direction], "bold"))
        for _, (before, after), group in alike:
            yield f"  {style(safe(f'{said(before)} -> {said(after)}'), 'bold')}"
            for change in group:
                yield f"    {safe(_gates(change))}"
                yield f"      with {safe(facts_said(change.witness))}"


def _pairs(difference: Difference) -> str:
    """Return what a difference is in one sentence."""
    old, new = (f"{policy.name} {policy.version}" for policy in (difference.old, difference.new))
    proof = "" if difference.exact else "; not all of it is proved, see below"
    if difference.same:
        return f"{old} and {new} decide the same for all facts{proof}"
    count = sum(1 for _ in kinds(difference.changes))
    between = f"{count} kinds of change, between {len(difference.changes)} pairs of gates"
    return f"{new} is {how(difference.direction)} than {old}: {between}{proof}"


def how(direction: str) -> str:
    """Return the direction of changes as part of a sentence."""
    words = {
        "both": "more permissive and less permissive",
        "other": "neither more nor less permissive, but not the same",
    }
    return words.get(direction, direction)


def _gates(change: Change) -> str:
    return f"{change.old.id} ({change.old.place}) -> {change.new.id} ({change.new.place})"


def page(difference: Difference, bump: Bump) -> str:
    """Return the difference as a page of Markdown."""
    old, new = difference.old, difference.new
    text = [
        f"# {old.name} {old.version} and {new.version}: what is decided otherwise",
        "",
        f"<!-- {mark(difference)}: made by `mlxk-rules diff {old.version} --markdown > rules/CHANGES.md` -->",
        "",
        f"{_pairs(difference)[:1].upper()}{_pairs(difference)[1:]}.",
        f"That asks for a {bump.level} version: {bump.least} or later." if bump.level != "none" else "",
        "",
        "Found by going through all cases that the rules can tell apart, not by trying some. Each row is a kind of",
        "change with facts that show it, of which none can be left out: all others are an ordinary text model's",
        "(`llama`, 4 GB of safetensors, every library installed, 64 GB of memory). Both policies were asked again.",
    ]
    heading = ("| before | now | for example, with | gates | pairs |", "|---|---|---|---|---|")
    for direction, alike in groupby(kinds(difference.changes), itemgetter(0)):
        text += ["", f"## {_TITLES[direction]}", "", *heading]
        for _, (before, after), group in alike:
            change = group[0]
            example = _cell(facts_said(change.witness))
            gates = f"{change.old.id} -> {change.new.id}"
            text.append(f"| {said(before)} | {said(after)} | {example} | {gates} | {len(group)} |")
    if difference.doubts:
        text += ["", "## Not followed exactly", "", "Of these facts the rules ask what cases alone do not tell:", ""]
        text += [f"- `{path}`: {'; '.join(why)}" for path, why in difference.doubts.items()]
    return "\n".join(text) + "\n"


def mark(difference: Difference) -> str:
    """Return what tells whether a page is of these two policies."""
    return f"{substance(difference.old.document)} {substance(difference.new.document)}"


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text != _ABSTRACT else text
