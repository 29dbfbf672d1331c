"""The words of a command line as docopt-ng reads them by the usage texts: one line for a wrong word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..problems import UsageError, did_you_mean
from .usage import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from docopt import DocoptExit

_SYNONYMS = {
    "check": "explain",
    "why": "explain",
    "show": "explain",
    "ls": "list",
    "facts": "probe",
    "lint": "validate",
}


def read_command(words: Sequence[str]) -> str:
    """Return the command that `words` begin with, or one of --help and --version. Raises UsageError."""
    if not words:
        raise UsageError("usage", "no command given", f"one of {', '.join(COMMANDS)}; mlxk-rules --help tells more")
    first = words[0]
    if first in ("-h", "--help", "help"):
        return "--help"
    if first in COMMANDS or first == "--version":
        return first
    known = _SYNONYMS.get(first)
    help = f"did you mean `{known}`?" if known else did_you_mean(first, COMMANDS)
    raise UsageError("usage", f"unknown command `{first}`", help or f"one of {', '.join(COMMANDS)}")


def read_options(command: str, words: Sequence[str]) -> dict[str, Any]:
    """Return docopt's reading of `words` (those after the command). Raises UsageError naming the word that is wrong."""
    usage = COMMANDS[command]
    from docopt import DocoptExit, docopt

    _refuse_unknown_options(usage, words)
    try:
        return dict(docopt(usage, [command, *words], default_help=False))
    except DocoptExit as error:
        raise _wrong_word(command, usage, words, error) from None


def _options(usage: str) -> dict[str, bool]:
    """Return every option of a usage text, and whether it takes a value."""
    lines = [line[2:] for line in usage.splitlines() if line.startswith("  -")]
    written = [line.split("  ")[0].split() for line in lines]
    return {word: words[-1][0] != "-" for words in written for word in words if word[0] == "-"}


def _refuse_unknown_options(usage: str, words: Sequence[str]) -> None:
    # docopt takes any unambiguous prefix for an option: here a word is right or wrong.
    known = _options(usage)
    takes_value = False
    for word in words:
        if word == "--":
            return
        if takes_value or word == "-" or not word.startswith("-"):
            takes_value = False
            continue
        name, equals, _ = word.partition("=")
        if name not in known:
            longer = [other for other in known if len(name) > 3 and other.startswith(name)]
            help = f"did you mean `{longer[0]}`?" if len(longer) == 1 else did_you_mean(name, known)
            help = help or f"the options are {', '.join(sorted(o for o in known if len(o) > 2))}"
            raise UsageError("usage", f"unknown option `{name}`", help)
        takes_value = known[name] and not equals
        if equals and not known[name]:
            raise UsageError("usage", f"the option `{name}` takes no value", f"write `{name}` alone")
    if takes_value:
        raise UsageError("usage", f"the option `{words[-1]}` wants a value", f"write `{words[-1]} VALUE`")


def _wrong_word(command: str, usage: str, words: Sequence[str], error: DocoptExit) -> UsageError:
    line = next(line for line in usage.splitlines() if line.startswith("  mlxk-rules "))
    wanted = re.findall(r"\b[A-Z]+\b", line.split("[")[0])
    known = _options(usage)
    given: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-") and word != "-":
            skip = known.get(word, False)
        else:
            given.append(word)
    if len(given) < len(wanted):
        return UsageError("usage", f"{wanted[len(given)]} is missing", line.strip())
    if len(given) > len(wanted) and "[FILE]" not in line:
        more = given[len(wanted)]
        if command == "run":  # the words of a prompt that a shell took apart
            help = f"mlxk-rules run MODEL PROMPT, the prompt in quotes: {_quoted_prompt(given)}"
            return UsageError("usage", f"unexpected `{more}`", help)
        return UsageError("usage", f"unexpected `{more}`", line.strip())
    repeated = next((word for word in words if word.startswith("--") and list(words).count(word) > 1), "")
    message = f"the option `{repeated}` stands twice" if repeated else f"`mlxk-rules {command}` is not called so"
    return UsageError("usage", message, line.strip())


def _quoted_prompt(given: Sequence[str]) -> str:
    from shlex import quote

    model, *prompt = given
    return f"mlxk-rules run {quote(model)} {quote(' '.join(prompt))[:200]}"
