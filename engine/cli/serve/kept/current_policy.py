"""The policy that decides, with what tells it from another; a changed rule file is taken whole or not at all."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ....policy import Policy
from ....problems import PolicyError, UsageError
from ....report.pages.outline import outline
from ....report.pages.rule_file import rule_file
from ....testing.outcome import failures
from ...policies.policy_cases import runs_of
from ...policies.policy_choice import Choice
from ...policies.watching import Watched

_LOOK_SECONDS = 0.5


class Rules(NamedTuple):
    """A policy in force. digest: SHA-256 of it, put together with what it extends. loaded: seconds since 1970."""

    policy: Policy
    file: str
    digest: str
    loaded: float

    @classmethod
    def of(cls, policy: Policy, file: str) -> Rules:
        """Return what a policy is known by."""
        whole = rule_file(outline(policy.document)).partition("\n")[2]  # without the line that names its files
        policy.decide({})  # the fast way is made now, and not while the first request waits
        return cls(policy, file, hashlib.sha256(whole.encode()).hexdigest(), time.time())

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "name": self.policy.name,
            "version": self.policy.version,
            "digest": self.digest,
            "file": self.file,
            "loaded_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.loaded)),
        }


class Failed(NamedTuple):
    """A changed rule file that was not taken: when, in seconds since 1970, and what is wrong, a line each."""

    at: float
    problems: tuple[str, ...]


class RuleFile:
    """The rules in force, and the file that they are from."""

    def __init__(self, choice: Choice, refuse: Callable[[Policy], None] = lambda _: None) -> None:
        """Load the policy. refuse: raises UsageError of one that will not do. Raises PolicyError and UsageError."""
        self._choice, self._refuse = choice, refuse
        self.rules = Rules.of(choice.load(), choice.name)
        refuse(self.rules.policy)
        self.failed: Failed | None = None
        self.reloads, self.failures = 0, 0
        words = [choice.source, *choice.over]
        self._watched = [Watched(word) for word in words]

    def look(self) -> str | None:
        """Take the rule file where it changed; return a line about what came of it, None where nothing did."""
        changed = [watched.changed() for watched in self._watched]  # each is asked: each remembers
        if not any(changed):
            return None
        made = self.rules
        try:
            made = Rules.of(self._choice.load(), self._choice.name)
            self._refuse(made.policy)
            wrong = self._wrong(made.policy)
        except PolicyError as error:
            wrong = tuple(str(problem) for problem in error.problems)
        except UsageError as error:
            wrong = (f"{error.message} [{error.code}]",)
        else:
            if made.digest == self.rules.digest and not wrong:
                self.failed = None
                return None
        if wrong:
            self.failed, self.failures = Failed(time.time(), wrong[:20]), self.failures + 1
            return f"the changed rule file is not taken, the last good one stays: {wrong[0]}"
        self.rules, self.failed, self.reloads = made, None, self.reloads + 1
        return f"the changed rule file is taken: {made.policy.name} {made.policy.version}, {made.digest[:12]}"

    def _wrong(self, policy: Policy) -> tuple[str, ...]:
        """Return which of the policy's own cases fail, those of folders left out."""
        if self._choice.over:
            return ()
        try:
            runs = runs_of(self._choice.source, policy)
        except UsageError:  # it has none
            return ()
        failed = failures(policy, [run for run in runs if run.skip is None])
        return tuple(f"its case `{one.run.name}` fails" for one in failed)


def watch(rule_file: RuleFile, told: Callable[[str], None], ended: threading.Event) -> None:
    """Look at the rule file until `ended`, in a thread of its own; `told` gets each line about a change."""
    while not ended.wait(_LOOK_SECONDS):
        if (line := rule_file.look()) is not None:
            told(line)
