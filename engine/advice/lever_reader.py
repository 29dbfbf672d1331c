"""Reads rules/levers.yaml and writes its expressions as Python."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..compiler.expression_code import Writer, digest
from ..language.expression import parse
from ..storage import data_files

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


def read_levers() -> tuple[Any, ...]:
    """Return the file's kinds and levers, each with the parts of its text, and what their expressions are.

    That is their texts, the digest of each one's code, and the constants and guards that the code names.
    """
    data = data_files.levers()
    levers = [{**entry, "parts": _parts(entry["text"])} for entry in data["levers"]]
    texts = list(dict.fromkeys(text for lever in levers for text in _expressions(lever)))
    codes, writer = _codes(texts)
    return data["kinds"], levers, texts, tuple(map(digest, codes)), writer.constants, writer.guards


def written(texts: Iterable[str]) -> dict[int, str]:
    """Return the code of expressions over any scope, by its digest."""
    return {digest(code): code for code in _codes(texts)[0]}


def _codes(texts: Iterable[str]) -> tuple[list[str], Writer]:
    writer = Writer({}, None)
    codes: list[str] = []
    for text in texts:
        writer.temporaries = 0
        codes.append(writer.write(parse(text).node).text)
    return codes, writer


def _parts(text: str) -> list[str]:
    """Return a text's pieces: as they are, and expressions, by turns."""
    found = _PLACEHOLDER.split(text)
    return [part.strip() if place % 2 else part for place, part in enumerate(found)]


def _expressions(lever: dict[str, Any]) -> list[str]:
    when = [lever["when"]] if "when" in lever else []
    return [*when, *lever.get("let", {}).values(), *lever.get("set", {}).values(), *lever["parts"][1::2]]
