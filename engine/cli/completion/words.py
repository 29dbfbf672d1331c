"""Every command with its words and options, read off the usage texts, and what may stand for each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...facts.vocabulary import vocabulary
from ...storage import data_files
from ..usage import COMMANDS, MAIN

# What stands for a word of a usage text: a file, a model (a folder, or a name in the cache), a policy (a file, or a
# shipped version), a fact, one of the shells, or nothing that could be known.
FILE, MODEL, POLICY, FACT, SHELL, NOTHING = "file", "model", "policy", "fact", "shell", "nothing"
_KINDS = {"FILE": FILE, "MODEL": MODEL, "P": POLICY, "OLD": POLICY, "NEW": POLICY, "FACT=VALUE": FACT, "SHELL": SHELL}
_KINDS["WHAT"] = MODEL  # a folder, or a part of models' names
_FACTS_IN_A_FILE = {"decide"}  # its FILE is no rule file
SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its spellings, what it takes (None: nothing), and one sentence."""

    names: tuple[str, ...]
    takes: str | None
    means: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command: one sentence, what its words are, and its options. many: the last word may be given again."""

    name: str
    means: str
    words: tuple[str, ...]
    many: bool
    options: tuple[Option, ...]


def commands() -> tuple[Command, ...]:
    """Return every command, in the order of the main usage text."""
    means = dict(re.findall(r"^  ([a-z]+) +(\S.*)$", MAIN.split("\nCommands:\n", 1)[1], re.MULTILINE))
    return tuple(_command(name, text, means.get(name, "")) for name, text in COMMANDS.items())


def versions() -> tuple[str, ...]:
    """Return what names a shipped policy."""
    found = {path.stem for path in data_files.FOLDER.glob("*.yaml") if re.fullmatch(r"\d+(\.\d+){2}", path.stem)}
    return ("today", *sorted(found))


def facts() -> tuple[str, ...]:
    """Return the names of all facts."""
    return tuple(vocabulary().facts)


def _command(name: str, usage: str, means: str) -> Command:
    line = next(line for line in usage.splitlines() if line.startswith(f"  mlxk-rules {name}"))
    line = re.sub(r"\[(?:options|-[^]]*)\](?:\.\.\.)?", "", line)
    words = re.findall(r"\b[A-Z]+\b", line)
    kinds = tuple(POLICY if w == "FILE" and name not in _FACTS_IN_A_FILE else _KINDS.get(w, NOTHING) for w in words)
    return Command(name, means, kinds, line.rstrip().endswith("..."), _options(usage))


def _options(usage: str) -> tuple[Option, ...]:
    section = usage.split("\nOptions:\n", 1)[1]
    found: list[Option] = []
    for head, tail in re.findall(r"^  (-\S.*)\n?((?:^ {6,}\S.*\n?)*)", section, re.MULTILINE):
        spelled, _, means = head.partition("  ")
        names = tuple(re.findall(r"--?[\w-]+", spelled))
        value = next((word for word in spelled.split() if not word.startswith("-")), None)
        takes = None if value is None else _KINDS.get(value, NOTHING)
        found.append(Option(names, takes, " ".join(f"{means} {tail}".split()).partition(". ")[0].rstrip(".")))
    return tuple(found)
