"""mlxk-rules validate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...analysis.cases.solver import solver
from ...policy import Policy
from ...problems import PolicyError, Problem, UsageError, did_you_mean
from ...report.code_pages import codes
from ...report.problem_formats import FORMATS, UNREADABLE, VALIDATED, Report
from ...report.terminal import safe, style_for
from ...report.text import problem_report
from ...rulefile.json_schema import schema_problems
from ...rulefile.policy_names import locate
from ...rulefile.source import read
from ...storage import data_files
from ...testing.case_files import ENDINGS
from ...testing.reading import read_suite
from ..exit_codes import UNUSABLE, YES, answered
from ..formats import failing_levels, format_of, levels_of
from ..waiting import waiting
from .common import choice_of


def run(options: dict[str, Any]) -> int:
    """Check rule files, or explain a code. Returns 0 if all are valid, 2 if one cannot be read, else 1."""
    if options["--explain"] is not None:
        return _explain(options)
    if options["--analyse"]:
        solver()  # before anything else is done: without it there is no analysis
    form, levels, fails = format_of(options), levels_of(options), failing_levels(options)
    with waiting("reading") as progress:
        files = options["FILE"] or [choice_of(options).source]
        reports = [_report(file, bool(options["--analyse"]), levels, progress) for file in files]
    reports = [replace(report, fails=fails) for report in reports]
    print(FORMATS[form](reports, VALIDATED) if form in FORMATS else _text(reports))
    unreadable = any(problem.code in UNREADABLE for report in reports for problem in report.problems)
    return UNUSABLE if unreadable else answered(not any(report.failing for report in reports))


def _report(
    file: str | os.PathLike[str] | None, analyse: bool, levels: Mapping[str, str], progress: Callable[[str], None]
) -> Report:
    path, name = locate(file)
    try:
        if path.name.endswith(ENDINGS):
            cases = len(read_suite(read(path, name)).cases)
            return Report(name, (), f"{safe(name)}: a valid case file, {cases} cases; `mlxk-rules test` runs them")
        policy = Policy.load(file)
        found = schema_problems(path, name)
    except PolicyError as error:
        return Report(name, error.problems)
    levels = {**dict(policy.document.levels), **levels}
    observed = f", {len(policy.document.observed)} observed" if policy.document.observed else ""
    counts = f"{len(policy.document.gates)} gates{observed}, {len(policy.document.derive)} derived facts"
    summary = f"{safe(name)}: valid, {policy.name} {policy.version}, {counts}"
    if found:
        return Report(name, tuple(found), summary)
    noticed = [*_expired(policy), *_unknown(policy)]
    if not analyse:
        return Report(name, _levelled(noticed, levels), summary)
    from ...analysis.finding import in_short, stated
    from ...analysis.findings import findings

    progress(f"analysing {name}")
    all_found = findings(policy)
    chosen = [f for f in all_found if f.fault or (f.exact and not f.accepted and f.problem.code in levels)]
    quiet = [finding for finding in all_found if finding not in chosen]
    faults = _levelled([*noticed, *map(stated, chosen)], levels)
    return Report(name, faults, f"{summary}\n{safe(in_short(quiet), keep=chr(10))}")


def _levelled(problems: Iterable[Problem], levels: Mapping[str, str]) -> tuple[Problem, ...]:
    return tuple(problem._replace(level=levels.get(problem.code, problem.level)) for problem in problems)


def _expired(policy: Policy) -> Iterator[Problem]:
    """Yield a warning for each gate whose last day is over."""
    today = datetime.now(UTC).date().isoformat()
    document = policy.document
    for gate in (*document.gates, *(one.gate for one in document.observed)):
        if gate.until is not None and gate.until < today:
            message = f"the last day of the gate `{gate.id}`, {gate.until}, is over: it decides no more"
            problem = gate.place.problem("gate-expired", message, "delete it, or give `until` a later day")
            yield problem._replace(level="warning")


def _unknown(policy: Policy) -> Iterator[Problem]:
    for code, _ in policy.document.levels:
        if code not in codes():
            message = f"`levels` names `{code[:60]}`, which is no error code"
            help = did_you_mean(code, codes()) or f"{data_files.FOLDER / 'CODES.md'} lists them"
            yield policy.document.place.problem("unknown-code", message, help)._replace(level="warning")


def _text(reports: Sequence[Report]) -> str:
    style = style_for(sys.stdout)
    problems = [problem for report in reports for problem in report.problems]
    lines = [problem_report(problem, style) for problem in problems]
    lines += [report.summary for report in reports if not report.failing]
    if problems:
        first, *others = dict.fromkeys(problem.code for problem in problems)
        more = f", so of {', '.join(others)}" if others else ""
        lines.append(style(f"`mlxk-rules validate --explain {first}` tells more{more}", "dim"))
    return "\n".join(lines)


def _explain(options: dict[str, Any]) -> int:
    word = options["--explain"]
    if options["FILE"] or options["--format"] is not None:
        raise UsageError("usage", "`--explain` takes a code and nothing else", "mlxk-rules validate --explain CODE")
    entry = codes().get(word.removeprefix("error").strip("[]"))
    if entry is None:
        help = did_you_mean(word, codes()) or f"{data_files.FOLDER / 'CODES.md'} lists them"
        raise UsageError("unknown-code", f"no error code `{word}`", help)
    print(json.dumps(entry.to_dict(), indent=2) if options["--json"] else entry.text())
    return YES
