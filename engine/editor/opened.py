"""A rule file as it stands in an editor: what is wrong with it, and the document that it is, as far as it is one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..problems import PolicyError, Problem
from ..rulefile.document import Document
from ..rulefile.loading import parts_of
from ..rulefile.source import source_of
from ..rulefile.yaml_tree import compose


class Opened(NamedTuple):
    """A text, its problems, and the document; None where nothing of it can be read."""

    text: str
    name: str
    problems: tuple[Problem, ...]
    document: Document | None


def opened(text: str, path: Path, before: Document | None = None) -> Opened:
    """Return a rule file as it stands in an editor. before: its document when it was last whole."""
    name = str(path)
    try:
        document, problems = parts_of(text, name, path.parent)
    except PolicyError as error:
        return Opened(text, name, error.problems, before)
    return Opened(text, name, tuple(problems), document)


def is_rule_file(text: str) -> bool:
    """Whether a text reads as a rule file, by the keys at its top: other YAML files are opened beside them."""
    try:
        words = {key.written for key, _ in compose(source_of(text, "")).items}
    except PolicyError:
        words = {line.partition(":")[0] for line in text.split("\n") if line[:1].isalpha()}
    return "schema" in words and bool(words & {"gates", "extends", "sets", "limits", "derive"})
