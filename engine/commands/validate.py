"""mlxk-rules validate."""

from __future__ import annotations

import sys
from typing import Any

from ..errors import PolicyError, Problem
from ..policy import Policy, locate
from ..render import problem_report
from ..schema import schema_problems
from ..terminal import safe, style_for
from .common import print_json

_UNREADABLE = {"no-file", "unreadable-file", "file-too-large", "not-utf-8"}


def run(options: dict[str, Any]) -> int:
    """Check rule files. Returns 0 if all are valid, 2 if one cannot be read, else 1."""
    style = style_for(sys.stdout)
    problems: list[Problem] = []
    summaries: list[str] = []
    for file in options["FILE"] or [None]:
        path, name = locate(file)
        try:
            policy = Policy.load(file)
        except PolicyError as error:
            problems.extend(error.problems)
            continue
        found = schema_problems(path, name)
        problems.extend(found)
        if not found:
            counts = f"{len(policy.document.gates)} gates, {len(policy.document.derive)} derived facts"
            summaries.append(f"{safe(name)}: valid, {policy.name} {policy.version}, {counts}")
    if options["--json"]:
        print_json({"valid": not problems, "problems": [_plain(problem) for problem in problems]})
    else:
        print("\n".join([*(problem_report(problem, style) for problem in problems), *summaries]))
    return 2 if any(problem.code in _UNREADABLE for problem in problems) else int(bool(problems))


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "help": problem.help,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "text": problem.text,
    }
