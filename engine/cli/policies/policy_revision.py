"""A policy from wherever it stands: a rule file, a shipped version, a file in a git revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ...policy import Policy
from ...problems import UsageError
from ...rulefile.source import decode

_SECONDS = 30


def policy_at(word: str | None) -> Policy:
    """Return the policy that a word names: a rule file, a shipped version, a file in a git revision; today's for None.

    What a file in a revision extends is read as it stands now. Raises PolicyError, and UsageError where git does not
    have the file.
    """
    if word is None or ":" not in word or Path(word).exists():
        return Policy.load(word)
    return Policy.from_text(decode(_blob(word), word).text, word)


def _blob(word: str) -> bytes:
    revision, _, path = word.partition(":")
    if not revision or not path or word.startswith("-") or "\0" in word:
        raise UsageError(
            "bad-revision", f"`{word}` is no file in a revision", "write REVISION:path, HEAD~1:rules/policy.yaml"
        )
    try:
        # Of the two that print a file, this one shows nothing but a file's own bytes: no folder, no commit.
        done = subprocess.run(["git", "cat-file", "blob", word], capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = "it takes too long" if isinstance(error, subprocess.TimeoutExpired) else error.strerror
        raise UsageError("no-git", f"cannot run git: {reason}", "name a file") from None
    if done.returncode:
        reason = " ".join(done.stderr.decode("utf-8", "replace").split())[:200].removeprefix("fatal: ")
        raise UsageError(
            "bad-revision", f"git has no `{word}`: {reason}", "the path counts from the repository's top folder"
        )
    return done.stdout
