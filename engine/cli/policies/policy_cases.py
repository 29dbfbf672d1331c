"""A policy's own cases, for who compares policies and for editors: no folder is probed for them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import NoReturn

from ...policy import Policy
from ...problems import PolicyError, UsageError
from ...rulefile.document import Place
from ...testing.binding import bound
from ...testing.case_files import find
from ...testing.cases import Folder, Run

MAX_EACH = 3  # of the facts that a case is repeated for


def cases_of(word: str | None, policy: Policy) -> list[Run]:
    """Return the cases that test the policy which a word names; none where it has none, or wrong ones.

    Those with a folder are left out.
    """
    if word is not None and ":" in word:
        return []
    try:
        return runs_of(word, policy)
    except (PolicyError, UsageError):
        return []


def runs_of(source: str | os.PathLike[str] | None, policy: Policy) -> list[Run]:
    """Return the cases that test a policy from a source, those with a folder left out.

    Raises UsageError where it has none, PolicyError where they are wrong.
    """
    suites = [suite for suite, _ in find(source).suites]
    told = [replace(one, cases=tuple(case for case in one.cases if case.folder is None)) for one in suites]
    return [run for suite in told for run in bound(suite, policy, _none)]


def some_of(runs: list[Run]) -> list[Run]:
    """Return cases that stand for all: those of a whole set are many and alike, and of rows the first few do."""
    found: list[Run] = []
    count: dict[Place, int] = {}
    for run in runs:
        count[run.place] = count.get(run.place, 0) + 1
        if not run.set and count[run.place] <= MAX_EACH:
            found.append(run)
    return found


def _none(folder: Folder, place: Place) -> NoReturn:
    raise AssertionError("no folder is probed here")
