"""Which rule file a policy's name means: a shipped version's, today's, or a path of the caller's."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ..problems import near
from ..storage import data_files

if TYPE_CHECKING:
    from pathlib import Path

TODAY = "today"  # names the shipped policy of today, whatever its version


def is_version(word: str) -> bool:
    """Whether it is the version of a shipped policy, such as 2.0.4, that is meant."""
    return re.fullmatch(r"\d+\.\d+\.\d+", word) is not None


def locate(source: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """Return a rule file's path, and the name by which messages call it. It need not exist."""
    from pathlib import Path

    path, name = place(source)
    return Path(path), name


def place(source: str | os.PathLike[str] | None) -> tuple[str, str]:
    """Return what `locate` does, the path as text: a start need not import pathlib."""
    today = f"{data_files.PLACE}/policy.yaml"
    if source is None or source == TODAY:
        return today, _shown(today)
    word = os.fspath(source)
    if isinstance(source, str) and is_version(word):  # whatever a file beside us is called
        path = f"{data_files.PLACE}/{word}.yaml"
        return (today, _shown(today)) if not os.path.isfile(path) and _is_today(word) else (path, _shown(path))
    return word, word


def _is_today(version: str) -> bool:
    with open(f"{data_files.PLACE}/policy.yaml", encoding="utf-8") as file:
        return f"\nversion: {version}\n" in file.read()


def _shown(path: str) -> str:
    # In a clone, as a person there would write it; else in short, as nobody reads a path into an environment. A file of
    # that name in the working folder is another one.
    real, short = os.path.realpath(path), f"rules/{os.path.basename(path)}"
    if "site-packages" not in real and (here := near(real)) != real:
        return here
    return f"mlxk_rules/{short}" if os.path.lexists(short) else short  # a file of the person's own may be called so
