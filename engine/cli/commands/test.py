"""mlxk-rules test."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from typing import Any

from ...facts.wording import json_text
from ...policy import Policy
from ...problems import PolicyError, Problem, UsageError
from ...report import test_results
from ...report.problem_formats import FORMATS, TESTED, Report
from ...report.terminal import Style, safe, style_for
from ...report.text import problem_report
from ...rulefile.document import Document, Place
from ...rulefile.source import Source
from ...testing.binding import Probe, bound, explained
from ...testing.case_files import Found, find
from ...testing.cases import Folder, Run, Suite
from ...testing.coverage import Coverage, covered, own
from ...testing.folders import write
from ...testing.incremental import machine
from ...testing.mutation.survivors import Mutation, mutate
from ...testing.outcome import Failure, failures
from ..exit_codes import answered
from ..formats import format_of
from ..policies.watching import Watched
from ..waiting import waiting
from .common import choice_of, print_json


def run(options: dict[str, Any]) -> int:
    """Run a policy's cases. Returns 0 if all pass, 1 if one fails, there is none, or too little is covered.

    With --watch they are run again whenever one of the files changes, until someone interrupts.
    """
    if not options["--watch"]:
        return _once(options)
    code = 0
    watched = Watched(options["FILE"] or choice_of(options).source)
    try:
        while True:
            try:
                code = _once(options)
            except PolicyError as error:  # while someone writes, a file is broken now and then
                print("\n".join(problem_report(problem, style_for(sys.stdout)) for problem in error.problems))
                code = 2
            print(style_for(sys.stdout)("waiting for a change; interrupt to end", "dim"), flush=True)
            watched.wait()
    except KeyboardInterrupt:
        return code


def _once(options: dict[str, Any]) -> int:
    wanted = _percent(options["--fail-under"])
    form = format_of(options, {})  # its annotations are asked for, not guessed
    found = find(options["FILE"] or choice_of(options).source)
    policy = Policy.load(found.policy)
    runs: list[Run] = []
    reasons: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="mlxk-rules-test-") as root:
        for number, (suite, folder) in enumerate(found.suites):
            runs += bound(suite, policy, _prober(Path(root) / str(number), folder, suite))
            reasons += explained(suite, policy)
    only = options["--only"]
    every, runs = runs, [run for run in runs if only is None or _is_named(run.name, only)]
    skipped = [run for run in runs if _is_skipped(run)]
    runs = [run for run in runs if run not in skipped] if skipped else runs
    if every and not runs and not skipped:
        raise UsageError(
            "no-cases", f"no case is called `{(only or '')[:60]}`", "name a part of a case's name, or use *"
        )
    failed = failures(policy, runs)
    base = machine(policy.document)
    states = [base.start(run.facts) for run in runs]
    coverage = own(policy.document, covered(base, states))
    mutation = None
    if options["--mutate"] and runs and not failed:
        with waiting("breaking the policy in every small way"):
            mutation = mutate(policy, runs, reasons)
    scores = [coverage.percent, *([mutation.percent()] if mutation is not None else [])]
    under = wanted is not None and any(score < wanted for score in scores)
    passed = bool(runs or skipped) and not failed and not under
    if form == "json":
        plain = _plain(policy, found, runs, failed, coverage, mutation, passed)
        print_json({**plain, "skipped": [_plain_skip(run) for run in skipped]})
    elif form in FORMATS:
        print(FORMATS[form](_reports(found, [*runs, *skipped], failed), TESTED))
    else:
        style = style_for(sys.stdout)
        print("\n".join([*_lines(policy, found, runs, failed, style), *_skips(skipped, style)]))
        if runs:
            lines = _annotated(policy.document, coverage, style) if options["--coverage"] else []
            print("\n".join([*lines, *test_results.totals(coverage, style)]))
        if mutation is not None:
            print("\n".join(test_results.mutation(mutation, style)))
        elif options["--mutate"]:
            print("mutants   not asked for: every case must pass first")
        if under:
            print(style(f"under the {wanted:g} % wanted", "red", "bold"))
    return answered(passed)


def _is_named(name: str, pattern: str) -> bool:
    return fnmatch(name, pattern) if any(mark in pattern for mark in "*?[") else pattern in name


def _is_skipped(run: Run) -> bool:
    return run.skip is not None and run.skip.until >= datetime.now(UTC).date().isoformat()


def _skips(skipped: list[Run], style: Style) -> list[str]:
    reasons = {run.place: f"{run.skip.reason}, until {run.skip.until}" for run in skipped if run.skip is not None}
    names = {run.place: run.name for run in reversed(skipped)}
    return [
        f"{style('skipped', 'yellow')}  {safe(names[place])}  {style(str(place), 'dim')}\n  {safe(reason)}"
        for place, reason in reasons.items()
    ]


def _plain_skip(run: Run) -> dict[str, Any]:
    place = {"file": run.place.source.name, "line": run.place.line}
    skip = run.skip
    return {"name": run.name, **place, **({"reason": skip.reason, "until": skip.until} if skip is not None else {})}


def _reports(found: Found, runs: list[Run], failed: list[Failure]) -> list[Report]:
    """Return each case as a report, with what differs from what it expects; one problem where there are no cases."""
    wrong = {id(failure.run): failure for failure in failed}
    reports: list[Report] = []
    for run in runs:
        problems: list[Problem] = []
        if (failure := wrong.get(id(run))) is not None:
            problems = [
                run.place.problem(
                    "case-failed",
                    f"`{run.name}`: {part.key} is {json_text(part.got)}, {json_text(part.wanted)} is expected",
                    _decided_by(failure),
                )
                for part in failure.differences
            ]
        why = f"{run.skip.reason}, until {run.skip.until}" if run.skip is not None and _is_skipped(run) else ""
        reports.append(Report(run.name, tuple(problems), file=run.place.source.name, skipped=why))
    if not runs:
        reports = [Report(str(found.policy), (Problem("no-cases", f"no cases: looked for {found.looked}"),))]
    return reports


def _decided_by(failure: Failure) -> str:
    gate = failure.trace.gates[-1] if failure.trace.gates else None
    return f"the gate `{gate.id}` ({gate.file}:{gate.line}) decided" if gate is not None else ""


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise UsageError("bad-value", f"`{text[:60]}` is no percentage", "write a number from 0 to 100")
    return number


def _prober(root: Path, beside: Path, suite: Suite) -> Probe:
    made = _Counter()

    def tell(folder: Folder, place: Place) -> dict[str, Any]:
        from ....loaders import probe

        if folder.path is None:
            path = write(root / str(made.next()) / "model", folder.files)
        else:
            path = beside / folder.path
            if not path.is_dir():
                help = f"a path is relative to {suite.name}"
                raise PolicyError([folder.place.problem("no-folder", f"no folder `{folder.path[:100]}`", help)])
        with _located(folder.place):
            return probe(path, name=folder.name)

    return tell


class _Counter:
    def __init__(self) -> None:
        self._count = 0

    def next(self) -> int:
        self._count += 1
        return self._count


@contextmanager
def _located(place: Place) -> Generator[None]:
    try:
        yield
    except Exception as error:
        if type(error).__name__ != "LoaderError":
            raise
        raise PolicyError([place.problem("no-model", str(error), "see `mlxk-rules probe`")]) from None


def _lines(policy: Policy, found: Found, runs: list[Run], failed: list[Failure], style: Style) -> list[str]:
    lines = test_results.failed(failed, style)
    label = f"{policy.name} {policy.version}"
    if not runs:
        lines.append(f"{style('no cases', 'red', 'bold')} for {label}: looked for {safe(found.looked)}")
        return lines
    files = ", ".join(safe(suite.name) for suite, _ in found.suites)
    verdict = style(f"{len(failed)} failed", "red", "bold") if failed else style("all passed", "green", "bold")
    lines.append(f"{label}  {len(runs)} cases of {files}: {verdict}")
    return lines


def _annotated(document: Document, coverage: Coverage, style: Style) -> list[str]:
    sources: dict[str, Source] = {}
    for part in (*document.derive, *document.gates):
        sources.setdefault(part.place.source.name, part.place.source)
    return [line for source in sources.values() for line in (*test_results.annotated(coverage, source, style), "")]


def _plain(
    policy: Policy,
    found: Found,
    runs: list[Run],
    failed: list[Failure],
    coverage: Coverage,
    mutation: Mutation | None,
    passed: bool,
) -> dict[str, Any]:
    return {
        "passed": passed,
        "policy": {"name": policy.name, "version": policy.version},
        "files": [suite.name for suite, _ in found.suites],
        "cases": {"total": len(runs), "failed": len(failed)},
        "failures": [test_results.plain_failure(one) for one in failed],
        "coverage": test_results.plain_coverage(coverage) if runs else None,
        "mutation": test_results.plain_mutation(mutation) if mutation is not None else None,
    }
