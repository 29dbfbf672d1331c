"""What was edited from one policy to another, and what each edit changes: as text, as reports and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

from ..analysis.changes.edits import KINDS, Edit
from ..analysis.changes.survey import Shown, Survey
from ..analysis.difference import Difference
from ..analysis.version_bump import Bump
from ..analysis.witness import Witness
from ..facts.vocabulary import ABSENT
from ..policy import Policy
from ..problems import Problem
from ..rulefile.document import Gate
from .difference import COLOURS, facts_said, how, said
from .problem_formats import Report
from .terminal import Style, safe


def summary(found: Survey) -> str:
    """Return the answer in one sentence."""
    old, new = _names(found.old, found.new)
    proof = "" if found.exact else "; not all of it is proved, see below"
    if found.same:
        return f"{old} and {new} decide the same for all facts{proof}"
    if not found.shown:
        return f"{old} and {new}: no facts are known that they decide otherwise{proof}"
    return f"{new} is {how(found.direction)} than {old}{proof}"


def _names(old: Policy, new: Policy) -> tuple[str, str]:
    names = [f"{policy.name} {policy.version}" for policy in (old, new)]
    if names[0] == names[1]:
        return f"{names[0]} (old)", f"{names[1]} (new)"
    return names[0], names[1]


MAX_ROWS = 6  # of changes that are told where nobody asked for all
MAX_FACTS = 3  # of a change that is told where there are simpler ones
MAX_EDITS = 14


def lines(found: Survey, style: Style, every: bool) -> Iterator[str]:
    """Yield what was edited, and under each what it changes; at most a screen, or `every` edit and change."""
    yield style(safe(summary(found)), "bold")
    groups = _by_edit(found)
    told = found.edits if every or len(found.edits) <= MAX_EDITS else ()
    rows = max(1, MAX_ROWS // max(1, sum(1 for edit in told if groups.get(edit))))
    for edit in told:
        yield ""
        yield f"{style(safe(edit.said), 'bold')}  {style(safe(str(edit.place)), 'dim')}"
        changes = groups.get(edit, [])
        if not changes:
            yield style(f"  {_without_change(found, edit)}", "dim")
        yield from _rows(changes, style, None if every else rows)
    if len(told) < len(found.edits):
        yield ""
        yield from wrap(f"{len(found.edits)} edits: {', '.join(_counted(found.edits))}; --all tells each", 110)
    if rest := groups.get(None, []):
        yield ""
        yield style("together they change", "bold")
        yield from _rows(rest, style, None if every else MAX_ROWS)
    if found.possible:
        count = len(found.possible)
        more = f"{count} more kind{'s'[: count != 1]} of change"
        yield ""
        yield style(f"{more} not excluded, without facts that show it{'' if every else ': --all'}", "dim")
        for before, after in found.possible if every else ():
            yield f"  {safe(f'{said(before)} -> {said(after)}')}"
    elif found.doubts and not found.exact:
        yield ""
        yield style("the solver does not follow all that the rules ask: more may change than was found", "dim")
    if every:
        yield from _doubts(found.doubts)


def _counted(edits: Iterable[Edit]) -> Iterator[str]:
    """Yield how many edits there are of each kind, and of sets how many words came or went."""
    words: dict[str, int] = {}
    for edit in edits:
        many = len(edit.entries) if edit.kind.endswith(("added", "removed")) else 1
        words[edit.kind] = words.get(edit.kind, 0) + max(1, many)
    for kind, count in words.items():
        one, many = KINDS[kind]
        yield f"{count} {one if count == 1 else many}"


def _by_edit(found: Survey) -> dict[Edit | None, list[Shown]]:
    groups: dict[Edit | None, list[Shown]] = {}
    for one in found.shown:
        for edit in one.edits[:1] or (None,):
            groups.setdefault(edit, []).append(one)
    return groups


def _without_change(found: Survey, edit: Edit) -> str:
    if not edit.decides:
        return "no decision changes"
    if any(edit in one.edits[1:] for one in found.shown):
        return "changes the same as another edit"
    if found.shown and not any(one.edits for one in found.shown):
        return "see below"
    return "no decision changes" if found.exact else "no facts are known that it changes"


def _rows(changes: list[Shown], style: Style, most: int | None) -> Iterator[str]:
    told = changes
    if most is not None:
        told = [one for one in changes if len(one.witness.differing) <= MAX_FACTS][:most] or changes[:1]
    for requests, one in _alike(told):
        change = safe(f"{said(one.before)} -> {said(one.after)}")
        also = f"  (with {len(one.edits) - 1} other edit{'s'[: len(one.edits) != 2]})" if len(one.edits) > 1 else ""
        yield f"  {requests}: {style(change, COLOURS[one.direction])}{also}"
        yield from wrap(
            f"with {safe(facts_said(one.witness))}",
            110,
            initial_indent="    ",
            subsequent_indent="      ",
            break_on_hyphens=False,
        )
        if most is None:
            yield style(f"    {safe(f'{one.old} -> {one.new}')}", "dim")
    if len(told) < len(changes):
        yield style(f"  and {len(changes) - len(told)} more that it changes: --all", "dim")


def _alike(changes: Iterable[Shown]) -> Iterator[tuple[str, Shown]]:
    """Yield the simplest of the changes that are alike but for the request, and which requests these are."""
    groups: dict[Any, list[Shown]] = {}
    for one in changes:
        groups.setdefault((one.before, one.after, one.edits), []).append(one)
    yield from ((", ".join(dict.fromkeys(one.request for one in group)), group[0]) for group in groups.values())


def version_line(new: Policy, rise: Bump) -> str:
    """Return which version the changes ask for, and whether the new policy's is enough."""
    if rise.level == "none":
        said = "the rules are the same" if rise.enough else "fell"
        return f"version {new.version}: {said}"
    enough = "is not enough" if not rise.enough else "is enough" if rise.sure else "is enough for that"
    known = "" if rise.sure else " at least, as far as is known"
    return f"version: a {rise.level} change{known} ({rise.why}), {rise.least} or later; {new.version} {enough}"


def edit_reports(found: Survey, rise: Bump, check_version: bool) -> list[Report]:
    """Return each edit as a report, with what it changes; and, where it is asked for, one of the version.

    Where the version is asked for, it alone can fail: what changes is then a note, what is less permissive a warning.
    """
    groups = _by_edit(found)
    reports: list[Report] = []
    for edit in (*found.edits, None):
        changes = list(_alike(groups.get(edit, ())))
        if edit is None and not changes:
            continue
        place = edit.place if edit is not None else found.new.document.place
        name = edit.said if edit is not None else "several edits together"
        problems: list[Problem] = []
        for requests, one in changes:
            message = f"{name}: {requests} changes from {said(one.before)} to {said(one.after)}"
            level = "error" if not check_version else "warning" if one.direction == "less permissive" else "note"
            help = f"with {facts_said(one.witness)}"
            problems.append(place.problem("decided-otherwise", message, help)._replace(level=level))
        reports.append(Report(name, tuple(problems), file=place.source.name))
    if check_version:
        place = found.new.document.place
        wrong = place.problem("version-too-low", version_line(found.new, rise), f"raise `version` to {rise.least}")
        reports.append(Report("version", () if rise.enough else (wrong,), file=place.source.name))
    return reports


def _doubts(doubts: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for path, why in doubts.items():
        alike.setdefault(why, []).append(path)
    if alike:
        yield from ("", "not followed exactly:")
    for why, paths in alike.items():
        said_of = f"{'; '.join(why)}: {', '.join(paths)}"
        yield from (f"  {line}" for line in wrap(safe(said_of), 110, subsequent_indent="  ", break_on_hyphens=False))


def plain(found: Survey, rise: Bump, whole: Difference | None) -> dict[str, Any]:
    """Return the survey as plain JSON data. whole: every pair of gates, where someone asked for all."""
    gates = [{gate.id: gate for gate in policy.document.gates} for policy in (found.old, found.new)]
    changes = [
        {
            "direction": one.direction,
            "request": one.request,
            "edits": [found.edits.index(edit) for edit in one.edits],
            "old": _gate(gates[0][one.old]),
            "new": _gate(gates[1][one.new]),
            "witness": _witness(one.witness),
        }
        for one in found.shown
    ]
    if whole is not None:
        changes = [
            {
                "direction": change.direction,
                "old": _gate(change.old),
                "new": _gate(change.new),
                "witness": _witness(change.witness),
            }
            for change in whole.changes
        ]
    return {
        "same": found.same,
        "exact": found.exact,
        "solved": found.solved,
        "direction": found.direction if found.same is not None else None,
        "old": _policy(found.old),
        "new": _policy(found.new),
        "edits": [_edit(edit) for edit in found.edits],
        "changes": changes,
        "possible": [{"before": before, "after": after} for before, after in found.possible],
        "doubts": {path: list(why) for path, why in found.doubts.items()},
        "version": {
            "bump": rise.level,
            "why": rise.why,
            "least": rise.least,
            "enough": rise.enough,
            "sure": rise.sure,
        },
    }


def _edit(edit: Edit) -> dict[str, Any]:
    where = {"file": edit.place.source.name, "line": edit.place.line}
    return {"kind": edit.kind, "name": edit.name, "said": edit.said, "entries": list(edit.entries), **where}


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
