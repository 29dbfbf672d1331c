"""A difference as text, as a page, and as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

from ..analysis.difference import Change, Difference, Outcome
from ..analysis.substance import substance
from ..analysis.version_bump import Bump, Unsolved
from ..analysis.witness import Witness
from ..facts.vocabulary import ABSENT
from ..policy import Policy
from ..rulefile.document import Gate
from .terminal import Style, safe

_DIRECTIONS = ("less permissive", "more permissive", "other")
_TITLES = {
    "less permissive": "Less permissive",
    "more permissive": "More permissive",
    "other": "Decided alike, for another reason or by another backend",
}
_COLOURS = {"less permissive": "red", "more permissive": "green", "other": "yellow"}
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
    return f"{decision} {error} ({http})" if decision == "block" else f"{decision} {backend}"


def facts_said(witness: Witness | None) -> str:
    """Return the facts of a witness that are not an ordinary text model's."""
    if witness is None:
        return _ABSTRACT
    parts = [f"{path} = {_value(value)}" for path, value in witness.differing.items()]
    return ", ".join(parts) or "an ordinary text model"


def _value(value: Any) -> str:
    return "(not there)" if value is ABSENT else json.dumps(value, ensure_ascii=True)


def summary(difference: Difference) -> str:
    """Return the answer in one sentence."""
    old, new = (f"{policy.name} {policy.version}" for policy in (difference.old, difference.new))
    proof = "" if difference.exact else "; not all of it is proved, see below"
    if difference.same:
        return f"{old} and {new} decide the same for all facts{proof}"
    direction = "more permissive and less permissive" if difference.direction == "both" else difference.direction
    direction = "neither more nor less permissive, but not the same" if direction == "other" else direction
    count = sum(1 for _ in kinds(difference.changes))
    pairs = f"{count} kinds of change, between {len(difference.changes)} pairs of gates"
    return f"{new} is {direction} than {old}: {pairs}{proof}"


def lines(difference: Difference, style: Style, every: bool) -> Iterator[str]:
    """Yield the difference as text; `every` pair of gates, or one for each kind of change."""
    yield style(safe(summary(difference)), "bold")
    last = ""
    for direction, (before, after), group in kinds(difference.changes):
        if direction != last:
            yield from ("", style(direction, _COLOURS[direction], "bold"))
            last = direction
        yield f"  {style(safe(f'{said(before)} -> {said(after)}'), 'bold')}"
        for change in group if every else group[:1]:
            yield f"    {safe(_gates(change))}"
            yield f"      with {safe(facts_said(change.witness))}"
        if not every and len(group) > 1:
            yield style(f"    and between {len(group) - 1} more pairs of gates: --all", "dim")
    if difference.doubts:
        alike: dict[tuple[str, ...], list[str]] = {}
        for path, why in difference.doubts.items():
            alike.setdefault(why, []).append(path)
        yield from ("", "not followed exactly:")
        for why, paths in alike.items():
            said_of = f"{'; '.join(why)}: {', '.join(paths)}"
            yield from (
                f"  {line}" for line in wrap(safe(said_of), 110, subsequent_indent="  ", break_on_hyphens=False)
            )


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
        f"{summary(difference)[:1].upper()}{summary(difference)[1:]}.",
        f"That asks for a {bump.level} version: {bump.least} or later." if bump.level != "none" else "",
        "",
        "Found by going through all cases that the rules can tell apart, not by trying some. Each row is a kind of",
        "change with facts that show it, of which none can be left out: all others are an ordinary text model's",
        "(`llama`, 4 GB of safetensors, every library installed, 64 GB of memory). Both policies were asked again.",
    ]
    last = ""
    for direction, (before, after), group in kinds(difference.changes):
        if direction != last:
            text += [
                "",
                f"## {_TITLES[direction]}",
                "",
                "| before | now | for example, with | gates | pairs |",
                "|---|---|---|---|---|",
            ]
            last = direction
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


def plain(difference: Difference, bump: Bump) -> dict[str, Any]:
    """Return the difference as plain JSON data."""
    return {
        "same": difference.same,
        "exact": difference.exact,
        "direction": difference.direction,
        "old": _policy(difference.old),
        "new": _policy(difference.new),
        "changes": [
            {
                "direction": change.direction,
                "old": _gate(change.old),
                "new": _gate(change.new),
                "witness": _witness(change.witness),
            }
            for change in difference.changes
        ],
        "doubts": {path: list(why) for path, why in difference.doubts.items()},
        "version": {"bump": bump.level, "least": bump.least, "enough": bump.enough},
    }


def plain_unsolved(old: Policy, new: Policy, known: bool, rise: Unsolved) -> dict[str, Any]:
    """Return what is known without a solver, in the same shape: null is what is not. known: facts show a difference."""
    return {
        "same": False if known else None,
        "exact": False,
        "direction": None,
        "old": _policy(old),
        "new": _policy(new),
        "changes": None,
        "doubts": None,
        "version": {"bump": None, "least": rise.least, "enough": rise.enough},
    }


def _policy(policy: Policy) -> dict[str, str]:
    return {"name": policy.name, "version": policy.version}


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "gate": gate.id,
        "file": gate.place.source.name,
        "line": gate.place.line,
        "decision": gate.decide,
        "backend": gate.backend,
        "error_type": gate.error,
        "http_status": gate.http,
    }


def _witness(witness: Witness | None) -> dict[str, Any] | None:
    if witness is None:
        return None
    differing = {path: value for path, value in witness.differing.items() if value is not ABSENT}
    absent = [path for path, value in witness.differing.items() if value is ABSENT]
    return {"facts": witness.facts, "differing": differing, "absent": absent}
