"""Which format a command answers in, and how grave a finding has to be to fail it: what several commands ask alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..problems import UsageError, did_you_mean
from ..report.code_pages import codes
from ..report.problem_formats import FORMATS
from ..rulefile.document import LEVELS
from ..storage import data_files

_FORMATS = ("text", *FORMATS)


def format_of(options: dict[str, Any], environment: Mapping[str, str] = os.environ) -> str:
    """Return the format that --format and --json name; without them text, and inside GitHub Actions github.

    Raises UsageError.
    """
    given = options["--format"]
    if given is None:
        if options["--json"]:
            return "json"
        return "github" if environment.get("GITHUB_ACTIONS") == "true" else "text"
    if given not in _FORMATS:
        help = did_you_mean(given, _FORMATS) or f"one of {', '.join(_FORMATS)}"
        raise UsageError("usage", f"unknown format `{given}`", help)
    if options["--json"] and given != "json":
        raise UsageError("usage", f"`--json` beside `--format {given}`", "one of them is enough")
    return given


def levels_of(options: dict[str, Any]) -> dict[str, str]:
    """Return the levels that `--level CODE=LEVEL` chooses. Raises UsageError."""
    levels: dict[str, str] = {}
    for word in options["--level"]:
        code, _, level = word.partition("=")
        if code not in codes():
            help = did_you_mean(code, codes()) or f"{data_files.FOLDER / 'CODES.md'} lists them"
            raise UsageError("unknown-code", f"no error code `{code[:60]}`", help)
        levels[code] = _level("--level", level)
    return levels


def failing_levels(options: dict[str, Any]) -> tuple[str, ...]:
    """Return the levels that fail a command: those as grave as --fail-on. Raises UsageError."""
    return LEVELS[: LEVELS.index(_level("--fail-on", options["--fail-on"] or "error")) + 1]


def _level(option: str, word: str) -> str:
    if word not in LEVELS:
        help = did_you_mean(word, LEVELS) or f"one of {', '.join(LEVELS)}"
        raise UsageError("bad-value", f"`{option}` is `{word[:40]}`, which is no level", help)
    return word
