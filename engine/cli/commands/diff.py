"""mlxk-rules diff."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from ...analysis.difference import difference, direction, outcome
from ...analysis.version_bump import Bump, bump, unsolved
from ...facts.json_lines import facts_in, lines_of, opened
from ...policy import Policy
from ...problems import UsageError
from ...report.difference import lines, page, plain, plain_unsolved, said
from ...report.terminal import Style, safe, style_for
from ..policy_revision import policy_at
from .common import print_json

Rows = dict[str, list[dict[str, Any]] | None]
_REQUESTS = {"text": (False, False), "images": (True, False), "audio": (False, True), "images+audio": (True, True)}


def run(options: dict[str, Any]) -> int:
    """Compare two policies. Returns 0 if they decide the same, 1 if not; of --check-version whether it is enough.

    Without a solver it says what is known without: the models and facts, and where the versions or texts alone tell.
    Raises UsageError where that is no answer.
    """
    old, new = policy_at(options["OLD"]), policy_at(options["NEW"])
    recorded: Rows = {"models": list(_models(old, new)) if options["--models"] else None}
    recorded["facts"] = list(_recorded(options["--facts"], old, new)) if options["--facts"] else None
    try:
        found = difference(old, new)
    except UsageError as error:
        if error.code != "no-solver" or options["--markdown"]:
            raise
        return _without_solver(options, old, new, recorded, error)
    shown = [row for rows in recorded.values() for row in rows or () if "error" not in row]
    found = found.with_evidence((row["before"], row["after"]) for row in shown)
    rise = bump(found)
    if options["--json"]:
        print_json({**plain(found, rise), **recorded})
    elif options["--markdown"]:
        print(page(found, rise), end="")
    else:
        style = style_for(sys.stdout)
        # Versions of policies that are called otherwise have nothing to do with each other, unless someone asks.
        asked = options["--check-version"] or old.name == new.name
        version = _version(new, rise) if asked else []
        print("\n".join([*lines(found, style, bool(options["--all"])), *_changed(recorded, style), *version]))
    if options["--check-version"]:
        return int(not rise.enough)
    return int(not found.same)


def _without_solver(options: dict[str, Any], old: Policy, new: Policy, recorded: Rows, error: UsageError) -> int:
    known = _shown(recorded)
    rise = unsolved(old, new, known)
    if options["--json"]:
        print_json({**plain_unsolved(old, new, known, rise), **recorded})
    elif any(rows is not None for rows in recorded.values()):
        print("\n".join(_changed(recorded, style_for(sys.stdout))).removeprefix("\n"))
    answer = rise.enough if options["--check-version"] else False if known else None
    unproved = UsageError(error.code, "z3 is not installed: the policies were not compared for all facts", error.help)
    if answer is None:
        raise unproved
    if options["--check-version"] and not options["--json"]:
        verdict = "is enough for any change" if answer else f"is not enough: {rise.least} is the least"
        print(f"version {new.version} {verdict}")
    print(f"{style_for(sys.stderr)('note', 'bold')}: {unproved.message}; {unproved.help}", file=sys.stderr)
    return int(not answer)


def _shown(recorded: Rows) -> bool:
    """Whether a model or recorded facts are known to be decided otherwise."""
    return any("error" not in row for rows in recorded.values() for row in rows or ())


def _version(new: Policy, rise: Bump) -> list[str]:
    if rise.level == "none":
        return ["", f"version {new.version}: the rules are the same" if rise.enough else f"version {new.version} fell"]
    enough = "is enough" if rise.enough else "is not enough"
    return ["", f"version: a {rise.level} change, {rise.least} or later; {new.version} {enough}"]


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


def _models(old: Policy, new: Policy) -> Iterator[dict[str, Any]]:
    from ....loaders import LoaderError, cached, probe

    for entry in cached():
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
        }
