"""The facts of a policy's own cases, for who compares policies: no folder is probed for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from ...policy import Policy
from ...problems import PolicyError, UsageError
from ...rulefile.document import Place
from ...testing.binding import bound
from ...testing.case_files import find
from ...testing.cases import Case, Folder

MAX_EACH = 3  # of the facts that a case is repeated for


def cases_of(word: str | None, policy: Policy) -> list[dict[str, Any]]:
    """Return the facts of the cases that test the policy which a word names; none where it has none, or wrong ones."""
    if word is not None and ":" in word:
        return []
    facts: list[dict[str, Any]] = []
    try:
        for suite, _ in find(word).suites:
            told = replace(suite, cases=tuple(filter(_is_short, suite.cases)))
            count: dict[Place, int] = {}
            for run in bound(told, policy, _none):
                count[run.place] = count.get(run.place, 0) + 1
                if count[run.place] <= MAX_EACH:
                    facts.append(run.facts)
    except (PolicyError, UsageError):
        return []
    return facts


def _is_short(case: Case) -> bool:
    """Whether a case stands for itself or for rows of its own: those of a whole set are many, and alike."""
    return case.folder is None and (case.each is None or not isinstance(case.each.of, str))


def _none(folder: Folder, place: Place) -> NoReturn:
    raise AssertionError("no folder is probed here")
