"""Which policy decides: the one that --policy names, the environment's, the person's own file, or today's."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ...problems import PolicyError
from ...rulefile.policy_names import place

if TYPE_CHECKING:
    from pathlib import Path

    from ...policy import Policy

VARIABLE = "MLXK_RULES_POLICY"


class Choice(NamedTuple):
    """A policy's source, as `Policy.load` takes it, and what chose it: an option, a variable, a place, or "".

    over: the rule files to be laid over it, each over those before it.
    """

    source: "str | Path | None"
    by: str = ""
    over: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule file, as messages call it."""
        return " + ".join((place(self.source)[1], *self.over))

    @property
    def sentence(self) -> str:
        """The rule file, and what chose it."""
        return f"{self.name}, from {self.by}" if self.by else self.name

    def to_dict(self) -> dict[str, str | None]:
        """Return the choice as plain JSON data; `chosen_by` is null where the command line or nobody chose."""
        return {"file": self.name, "chosen_by": self.by or None}

    def load(self) -> "Policy":
        """Return the policy. Raises PolicyError, which says what named the file where nobody named it just now."""
        from ...policy import Policy  # who only asks which it is does without

        if self.over:
            return Policy.from_text(_laid_over(str(self.source), *self.over), "--policy")
        try:
            return Policy.load(self.source)
        except PolicyError as error:
            raise PolicyError(
                problem.named_by(self.by) if self.by and not problem.file else problem for problem in error.problems
            ) from None


def choose(word: str | list[str] | None, environment: Mapping[str, str] = os.environ) -> Choice:
    """Return which policy decides, where the command line says `word`.

    A variable that is set and empty counts as not set. A person's own file that is there is taken, whatever it is:
    one that does not load is an error, never passed over.
    """
    if isinstance(word, list):  # --policy, as often as it was given
        if word:
            return Choice(word[0], over=tuple(word[1:]))
        word = None
    if word is not None:
        return Choice(word)
    if named := environment.get(VARIABLE):
        return Choice(named, VARIABLE)
    own = _own_file(environment)
    if own is None or not _is_there(own):
        return Choice(None)
    from pathlib import Path

    return Choice(Path(own), "your own file")


def _laid_over(*words: str) -> str:
    """Return the text of a policy in which each is laid over those before it."""
    import json

    return f"schema: 1\nname: combined\nversion: 1.0.0\nextends: {json.dumps(words)}\n"


def own_file(environment: Mapping[str, str] = os.environ) -> "Path | None":
    """Return where a person's own policy stands, by the XDG base directories (on macOS too); None without a home."""
    from pathlib import Path  # not where a start only asks whether it is there

    own = _own_file(environment)
    return None if own is None else Path(own)


def _own_file(environment: Mapping[str, str]) -> str | None:
    base = environment.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # the specification: a relative one is to be ignored
        home = environment.get("HOME", "")
        if not home.startswith("/"):
            return None
        base = f"{home}/.config"
    return f"{base}/mlxk-rules/policy.yaml"


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True  # then reading it says what is wrong
    return True
