"""mlxk-rules diff."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from ...analysis.changes.survey import Survey, survey
from ...analysis.difference import Difference, Evidence, difference, direction, outcome
from ...analysis.version_bump import Bump, bump, enough_for_any
from ...facts.json_lines import facts_in, lines_of, opened
from ...policy import Policy
from ...problems import UsageError
from ...report.difference import page, pairs, said
from ...report.edits import edit_reports, lines, plain, version_line
from ...report.problem_formats import COMPARED, FORMATS
from ...report.terminal import Style, safe, style_for
from ...storage.how_installed import install_command
from ..exit_codes import NO, UNSURE, YES, answered
from ..formats import format_of
from ..policies.policy_cases import cases_of, some_of
from ..policies.policy_revision import policy_at
from ..waiting import waiting
from .common import print_json

Rows = dict[str, list[dict[str, Any]] | None]
_REQUESTS = {"text": (False, False), "images": (True, False), "audio": (False, True), "images+audio": (True, True)}


def run(options: dict[str, Any]) -> int:
    """Compare two policies. Returns 0 if they decide the same, 1 if not; of --check-version whether it is enough.

    Without a solver it says what is known without: what was edited, facts that show what it changes, and where the
    versions or edits alone tell, whether the version is enough. Raises UsageError where that is no answer.
    """
    old, new = policy_at(options["OLD"]), policy_at(options["NEW"])
    form = format_of(options, {})  # its annotations are asked for, not guessed
    whole = None
    with waiting("reading") as progress:
        recorded: Rows = {"models": list(_models(old, new, progress)) if options["--models"] else None}
        recorded["facts"] = list(_recorded(options["--facts"], old, new)) if options["--facts"] else None
        if options["--markdown"]:
            progress("comparing all pairs of gates")
            whole = difference(old, new, progress).with_evidence(_evidence(recorded))
            rise = bump(whole)
            print(page(whole, rise), end="")
            return answered(rise.enough) if options["--check-version"] else answered(whole.same)
        cases = [*some_of(cases_of(options["OLD"], old)), *some_of(cases_of(options["NEW"], new))]
        found = survey(old, new, [case.facts for case in cases], progress)
        if options["--all"] and found.solved:
            whole = difference(old, new, progress)
    found = found.with_evidence(_evidence(recorded))
    rise = bump(found)
    if form == "json":
        print_json({**plain(found, rise, whole), **_plain_rows(recorded)})
    elif form in FORMATS:
        print(FORMATS[form](edit_reports(found, rise, bool(options["--check-version"])), COMPARED))
    else:
        print("\n".join(_text(options, found, rise, whole, recorded)))
    unproved = "z3 is not installed: the policies were not compared for all facts"
    help = install_command("analysis")
    answer = _answer(options, found, rise)
    if answer is None and not found.solved:
        raise UsageError("no-solver", unproved, help)
    if not found.solved:
        print(f"{style_for(sys.stderr)('note', 'bold')}: {unproved}; {help}", file=sys.stderr)
    return UNSURE if answer is None else answer


def _answer(options: dict[str, Any], found: Survey, rise: Bump) -> int | None:
    """Return the exit code, None where the question has no sure answer."""
    if options["--check-version"]:
        if enough_for_any(found.old, found.new) or not rise.enough:
            return answered(rise.enough)
        return YES if rise.sure else None
    return NO if found.same is False else YES if found.same and found.exact else None


def _text(
    options: dict[str, Any], found: Survey, rise: Bump, whole: Difference | None, recorded: Rows
) -> Iterator[str]:
    style = style_for(sys.stdout)
    yield from lines(found, style, bool(options["--all"]))
    if whole is not None:
        yield ""
        yield from pairs(whole, style)
    yield from _changed(recorded, style)
    # Versions of policies that are called otherwise have nothing to do with each other, unless someone asks.
    if options["--check-version"] or found.old.name == found.new.name:
        yield from ("", version_line(found.new, rise))


def _evidence(recorded: Rows) -> Iterator[Evidence]:
    for row in (row for rows in recorded.values() for row in rows or () if "error" not in row):
        yield Evidence(row["before"], row["after"], row["asked"])


def _plain_rows(recorded: Rows) -> dict[str, Any]:
    return {
        what: None if rows is None else [{key: row[key] for key in row if key != "asked"} for row in rows]
        for what, rows in recorded.items()
    }


def _changed(recorded: Rows, style: Style) -> Iterator[str]:
    for what, rows in recorded.items():
        if rows is None:
            continue
        changed = sum("error" not in row for row in rows)
        unread = f", {len(rows) - changed} cannot be read" if changed < len(rows) else ""
        yield from ("", style(f"{what}: {changed or 'none'} decided otherwise{unread}", "bold"))
        for row in rows:
            if "error" in row:
                yield f"  {safe(row['name'])}: {safe(row['error'])}"
                continue
            change = f"{said(row['before'])} -> {said(row['after'])} ({row['direction']})"
            yield f"  {safe(row['name'])}, {row['request']}: {change}"
            yield style(f"    {row['old']} -> {row['new']}", "dim")


def _models(old: Policy, new: Policy, progress: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    from ....loaders import LoaderError, cached, probe

    for entry in cached():
        progress(f"asking about {entry.repo}")
        try:
            if isinstance(entry.found, LoaderError):
                raise entry.found
            facts = probe(entry.found.path, name=entry.found.name)
        except LoaderError as error:
            yield {"name": entry.repo, "request": None, "error": error.message}
            continue
        for request, (images, audio) in _REQUESTS.items():
            asked = {**facts["request"], "images": images, "audio": audio}
            yield from _row(entry.repo, request, old, new, {**facts, "request": asked})


def _recorded(file: str, old: Policy, new: Policy) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        for number, line in lines_of(opened(file, stack)):
            try:
                facts = facts_in(line)
            except UsageError as error:
                raise UsageError(error.code, f"line {number} of `{file}`: {error.message}", error.help) from None
            model, asked = facts.get("model"), facts.get("request")
            name = model.get("name") if isinstance(model, dict) else None
            wanted = [key for key in ("images", "audio") if isinstance(asked, dict) and asked.get(key) is True]
            yield from _row(f"line {number}: {name or 'no name'}", "+".join(wanted) or "text", old, new, facts)


def _row(name: str, request: str, old: Policy, new: Policy, facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    one, other = old.decide(facts), new.decide(facts)
    before, after = outcome(one), outcome(other)
    if before != after:
        yield {
            "name": name,
            "request": request,
            "direction": direction(before, after),
            "before": before,
            "after": after,
            "old": one.gate,
            "new": other.gate,
            "asked": facts,
        }
