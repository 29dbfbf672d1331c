"""One thing that an analysis found: whether it is proved, where it stands, and whether the rule file explains it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..problems import Problem, did_you_mean
from ..rulefile.document import Document, Place

CODES = (  # rules/codes.yaml says what they mean
    "gate-never-fires",
    "dead-branch",
    "dead-derived",
    "dead-limit",
    "dead-set",
    "dead-entry",
    "order-free",
    "idle-explanation",
)

_COMMENT = re.compile(r"#\s*analy[sz](?:is|e):\s*(?:ok\b\s*)?([\w-]*)", re.IGNORECASE)
_ACCEPTED = re.compile(r"#\s*analysis:\s*ok\s+([a-z-]+)(?:\s+(.*\S))?")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. unsure: why it may not be so, empty where it is proved. note: an observation and no fault.
    What is not proved is no fault either.

    accepted: the reason that the file itself gives, `# analysis: ok CODE reason` in the line or above it, or "".
    """

    problem: Problem
    unsure: tuple[str, ...] = ()
    note: bool = False
    accepted: str = ""
    explained_at: tuple[str, int] | None = None  # the file and line of the comment that gives it

    @property
    def exact(self) -> bool:
        return not self.unsure

    @property
    def fault(self) -> bool:
        return self.exact and not self.note and not self.accepted


def stated(finding: Finding) -> Problem:
    """Return a finding's problem, which says whether it is proved."""
    sure = "exact" if finding.exact else f"in the abstraction: {'; '.join(finding.unsure[:2])}"
    return finding.problem._replace(message=f"{finding.problem.message} ({sure})")


def in_short(found: Iterable[Finding]) -> str:
    """Return what an analysis without faults found: what the file explains itself, and what is no fault."""
    quiet = [finding for finding in found if not finding.fault]
    accepted = [f"  {f.problem.place}: {f.problem.message}: {f.accepted}" for f in quiet if f.accepted]
    notes = [f"  {f.problem.place}: {stated(f).message}" for f in quiet if not f.accepted]  # the unproved among them
    lines = ["  analysis: no gate, branch, derived fact, limit or entry is proved to be idle"]
    lines += [f"  {len(accepted)} explained in the file:", *(f"  {line}" for line in accepted)] if accepted else []
    return "\n".join([*lines, "  no fault, but to know:", *(f"  {line}" for line in notes)] if notes else lines)


def explained(finding: Finding, place: Place) -> Finding:
    """Return the finding with the reason that stands in the line of a place, or right above it."""
    lines = place.source.text.split("\n")
    looked = [place.line]
    while looked[-1] > 1 and lines[looked[-1] - 2].lstrip().startswith("#"):
        looked.append(looked[-1] - 1)
    for at in looked:
        accepted = _ACCEPTED.search(lines[at - 1])
        if accepted and accepted[1] == finding.problem.code:
            return replace(finding, accepted=accepted[2] or "no reason given", explained_at=(place.source.name, at))
    return finding


def unmatched(document: Document, found: Iterable[Finding]) -> list[Finding]:
    """Return a finding for each comment of the policy's own file that explains what was not found, or no known code."""
    source = document.place.source
    used = {finding.explained_at for finding in found}
    idle: list[Finding] = []
    following = 0
    for number, line in enumerate(source.text.split("\n"), 1):
        begin, following = following, following + len(line) + 1
        written = _COMMENT.search(line)
        if written is None or (source.name, number) in used or line[: written.start()].count('"') % 2:
            continue
        code = written[1]
        start = begin + written.start()
        place = Place(source, start, start + len(written[0]))
        if _ACCEPTED.search(line) and code in CODES:
            message, help = f"`{code}` is explained here, and is not found", "delete the comment"
        else:
            message = f"`{written[0]}` explains nothing"
            help = did_you_mean(code, CODES) or f"write `# analysis: ok CODE reason`, CODE one of {', '.join(CODES)}"
        idle.append(Finding(place.problem("idle-explanation", message, help)))
    return idle
