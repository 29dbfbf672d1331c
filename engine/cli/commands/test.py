"""mlxk-rules test."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...policy import Policy
from ...problems import PolicyError, UsageError
from ...report import test_results
from ...report.terminal import Style, safe, style_for
from ...rulefile.document import Document, Place
from ...rulefile.source import Source
from ...testing.binding import Probe, bound, explained
from ...testing.case_files import Found, find
from ...testing.cases import Folder, Run, Suite
from ...testing.coverage import Coverage, covered, own
from ...testing.folders import write
from ...testing.machine import machine
from ...testing.mutation.survivors import Mutation, mutate
from ...testing.outcome import Failure, failures
from .common import choice_of, print_json


def run(options: dict[str, Any]) -> int:
    """Run a policy's cases. Returns 0 if all pass, 1 if one fails, there is none, or too little is covered."""
    wanted = _percent(options["--fail-under"])
    found = find(options["FILE"] or choice_of(options).source)
    policy = Policy.load(found.policy)
    runs: list[Run] = []
    reasons: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="mlxk-rules-test-") as root:
        for number, (suite, folder) in enumerate(found.suites):
            runs += bound(suite, policy, _prober(Path(root) / str(number), folder, suite))
            reasons += explained(suite, policy)
    failed = failures(policy, runs)
    base = machine(policy.document)
    states = [base.start(run.facts) for run in runs]
    coverage = own(policy.document, covered(policy.document, states, base.scope_of))
    mutation = mutate(policy, runs, reasons) if options["--mutate"] and runs and not failed else None
    scores = [coverage.percent, *([mutation.percent()] if mutation is not None else [])]
    under = wanted is not None and any(score < wanted for score in scores)
    passed = bool(runs) and not failed and not under
    if options["--json"]:
        print_json(_plain(policy, found, runs, failed, coverage, mutation, passed))
    else:
        style = style_for(sys.stdout)
        print("\n".join(_lines(policy, found, runs, failed, style)))
        if runs:
            lines = _annotated(policy.document, coverage, style) if options["--coverage"] else []
            print("\n".join([*lines, *test_results.totals(coverage, style)]))
        if mutation is not None:
            print("\n".join(test_results.mutation(mutation, style)))
        elif options["--mutate"]:
            print("mutants   not asked for: every case must pass first")
        if under:
            print(style(f"under the {wanted:g} % wanted", "red", "bold"))
    return int(not passed)


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
