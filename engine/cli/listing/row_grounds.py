"""What a decision rests on besides the facts, told without loading the policy: its rule files' bytes, and this code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...compiler.reads import touches
from ...storage import cache_folder

if TYPE_CHECKING:
    from ...policy import Policy
    from ...storage.kept_values import Files


def rule_files(source: str | os.PathLike[str] | None) -> Files | None:
    """Return path and bytes of the rule file of a policy that was loaded, and of all that it extends.

    None where that is not known, or one of them is not at rest: then it may be another since it was loaded.
    """
    from ...compiler.kept_programs import files_of
    from ...rulefile.policy_names import locate

    files = files_of(*locate(source))
    try:
        rest = files is not None and all(cache_folder.at_rest(os.stat(file).st_ctime_ns) for file, _ in files)
    except OSError:
        rest = False
    return files if rest else None


def reads(policy: Policy, fact: str) -> bool:
    """Whether any rule may read the fact, by itself or in an object that holds it."""
    expressions = policy.evaluation.program.expressions
    return any(touches(fact, path) for expression in expressions for path in expression.reads)
