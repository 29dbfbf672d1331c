"""What a decision rests on besides the facts, told without loading the policy: its rule files' bytes, and this code."""

from __future__ import annotations

import os
import stat
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .policy import Policy

_HERE = os.path.dirname(os.path.abspath(__file__))  # pathlib costs more than all this
_AT_REST_NS = 2_000_000_000
RuleFiles = list[tuple[str, bytes]]


def code() -> tuple[Any, ...]:
    """Return what tells this Python and this engine from others: name, time and size of each file."""
    files: list[tuple[str, int, int]] = []
    for folder in (_HERE, f"{_HERE}/commands"):
        with os.scandir(folder) as entries:
            files += [_mark(e.name, e.stat()) for e in entries if e.name.endswith(".py")]
    facts = _mark("facts.yaml", os.stat(f"{_HERE}/../rules/facts.yaml"))
    return sys.version, facts, *sorted(files)


def rule_files(source: str | os.PathLike[str] | None) -> RuleFiles | None:
    """Return path and bytes of the rule file of a policy that was loaded, and of all that it extends.

    None where that is not known, or one of them is not at rest: then it may be another since it was loaded.
    """
    from .shipped import locate
    from .stored import files_of

    files = files_of(*locate(source))
    try:
        rest = files is not None and all(time.time_ns() - os.stat(file).st_ctime_ns > _AT_REST_NS for file, _ in files)
    except OSError:
        rest = False
    return files if rest else None


def are_same(files: RuleFiles) -> bool:
    """Whether each of the files has these bytes now."""
    return all(_content(file, len(content)) == content for file, content in files)


def reads(policy: Policy, fact: str) -> bool:
    """Whether any rule may read the fact, by itself or in an object that holds it."""
    above = {fact, *(fact[:at] for at in range(len(fact)) if fact[at] == ".")}
    return any(
        path in above or path.startswith(f"{fact}.")
        for expression in policy.evaluation.program.expressions
        for path in expression.reads
    )


def _mark(name: str, status: os.stat_result) -> tuple[str, int, int]:
    return name, status.st_mtime_ns, status.st_size


def _content(file: str, size: int) -> bytes | None:
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return None
        with open(file, "rb") as opened:
            return opened.read(size + 1)
    except OSError:
        return None
