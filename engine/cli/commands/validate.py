"""mlxk-rules validate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from ...policy import Policy
from ...problems import PolicyError, UsageError, did_you_mean
from ...report.code_pages import codes
from ...report.problem_formats import FORMATS, UNREADABLE, Report
from ...report.terminal import safe, style_for
from ...report.text import problem_report
from ...rulefile.json_schema import schema_problems
from ...rulefile.policy_names import locate
from ...rulefile.source import read
from ...storage import data_files
from ...testing.case_files import ENDINGS
from ...testing.reading import read_suite
from .common import choice_of

_FORMATS = ("text", *FORMATS)


def run(options: dict[str, Any]) -> int:
    """Check rule files, or explain a code. Returns 0 if all are valid, 2 if one cannot be read, else 1."""
    if options["--explain"] is not None:
        return _explain(options)
    form = _format(options)
    reports = [_report(file, bool(options["--analyse"])) for file in options["FILE"] or [choice_of(options).source]]
    print(FORMATS[form](reports) if form in FORMATS else _text(reports))
    problems = [problem for report in reports for problem in report.problems]
    return 2 if any(problem.code in UNREADABLE for problem in problems) else int(bool(problems))


def _report(file: str | os.PathLike[str] | None, analyse: bool) -> Report:
    path, name = locate(file)
    try:
        if path.name.endswith(ENDINGS):
            cases = len(read_suite(read(path, name)).cases)
            return Report(name, (), f"{safe(name)}: a valid case file, {cases} cases; `mlxk-rules test` runs them")
        policy = Policy.load(file)
        found = schema_problems(path, name)
    except PolicyError as error:
        return Report(name, error.problems)
    counts = f"{len(policy.document.gates)} gates, {len(policy.document.derive)} derived facts"
    summary = f"{safe(name)}: valid, {policy.name} {policy.version}, {counts}"
    if not analyse or found:
        return Report(name, tuple(found), summary)
    from ...analysis.finding import in_short, stated
    from ...analysis.findings import findings

    all_found = findings(policy)
    faults = tuple(stated(finding) for finding in all_found if finding.fault)
    return Report(name, faults, f"{summary}\n{safe(in_short(all_found), keep=chr(10))}")


def _text(reports: Sequence[Report]) -> str:
    style = style_for(sys.stdout)
    problems = [problem for report in reports for problem in report.problems]
    lines = [problem_report(problem, style) for problem in problems]
    lines += [report.summary for report in reports if not report.problems]
    if problems:
        several = "CODE" if len({problem.code for problem in problems}) > 1 else problems[0].code
        lines.append(style(f"`mlxk-rules validate --explain {several}` tells more", "dim"))
    return "\n".join(lines)


def _format(options: dict[str, Any]) -> str:
    given = options["--format"]
    if given is None:
        if options["--json"]:
            return "json"
        return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    if given not in _FORMATS:
        help = did_you_mean(given, _FORMATS) or f"one of {', '.join(_FORMATS)}"
        raise UsageError("usage", f"unknown format `{given}`", help)
    if options["--json"] and given != "json":
        raise UsageError("usage", f"`--json` beside `--format {given}`", "one of them is enough")
    return given


def _explain(options: dict[str, Any]) -> int:
    word = options["--explain"]
    if options["FILE"] or options["--format"] is not None:
        raise UsageError("usage", "`--explain` takes a code and nothing else", "mlxk-rules validate --explain CODE")
    entry = codes().get(word.removeprefix("error").strip("[]"))
    if entry is None:
        help = did_you_mean(word, codes()) or f"{data_files.FOLDER / 'CODES.md'} lists them"
        raise UsageError("unknown-code", f"no error code `{word}`", help)
    print(json.dumps(entry.to_dict(), indent=2) if options["--json"] else entry.text())
    return 0
