"""mlxk-rules completion."""

from __future__ import annotations

from typing import Any

from ...problems import UsageError, did_you_mean
from ...report.terminal import safe
from ..completion import bash, fish, zsh
from ..completion.words import SHELLS, commands
from ..exit_codes import YES

_SCRIPTS = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}


def run(options: dict[str, Any]) -> int:
    """Print a shell's completion script, or for `models` the names in the cache. Returns 0."""
    word = options["SHELL"]
    if word == "models":
        _print_models()
    elif word in _SCRIPTS:
        print(_SCRIPTS[word](commands()), end="")
    else:
        help = did_you_mean(word, SHELLS) or f"one of {', '.join(SHELLS)}"
        raise UsageError("bad-value", f"no completion for `{word[:60]}`", help)
    return YES


def _print_models() -> None:
    from ....loaders import LoaderError, local_models

    try:
        names = dict.fromkeys(model.name for model in local_models())
    except LoaderError:
        return
    for name in names:
        # A name that a shell would have to quote is no repo's on the Hub, and bash evaluates what it is offered.
        if name == safe(name) and all(character.isalnum() or character in "-_./" for character in name):
            print(name)
