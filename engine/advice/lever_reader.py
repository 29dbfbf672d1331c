"""Reads rules/levers.yaml and compiles its expressions: done once, and kept for the next start."""

from __future__ import annotations

import re
from typing import Any

from ..compiler.expression_code import Writer
from ..language.expression import parse
from ..storage import data_files

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


def read_levers() -> tuple[Any, ...]:
    """Return the file's kinds and levers, each with the parts of its text, and what makes their expressions run.

    An expression's function is of a scope, and stands in `functions` of the code at the place of its text in `texts`.
    """
    data = data_files.levers()
    levers = [{**entry, "parts": _parts(entry["text"])} for entry in data["levers"]]
    texts = list(dict.fromkeys(text for lever in levers for text in _expressions(lever)))
    writer = Writer({}, None)
    lines: list[str] = []
    for text in texts:
        writer.temporaries = 0
        lines.append(f"lambda s: {writer.write(parse(text).node).text}\n")
    code = compile(f"functions = [{','.join(lines)}]", "<levers>", "exec")
    return data["kinds"], levers, texts, code, writer.constants, writer.guards


def _parts(text: str) -> list[str]:
    """Return a text's pieces: as they are, and expressions, by turns."""
    found = _PLACEHOLDER.split(text)
    return [part.strip() if place % 2 else part for place, part in enumerate(found)]


def _expressions(lever: dict[str, Any]) -> list[str]:
    when = [lever["when"]] if "when" in lever else []
    return [*when, *lever.get("let", {}).values(), *lever.get("set", {}).values(), *lever["parts"][1::2]]
