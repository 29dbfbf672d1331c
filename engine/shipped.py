"""Which rule file a policy's name means: a shipped version's, today's, or a path of the caller's."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .. import rules

SHIPPED = re.compile(r"\d+\.\d+\.\d+")
TODAY = "today"  # names the shipped policy of today, whatever its version


def locate(source: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """Return a rule file's path, and the name by which messages call it. It need not exist."""
    if source is None or source == TODAY:
        path = rules.FOLDER / "policy.yaml"
        return path, _shown(path)
    word = os.fspath(source)
    if isinstance(source, str) and SHIPPED.fullmatch(word):  # whatever a file beside us is called
        path = rules.FOLDER / f"{word}.yaml"
        if not path.is_file() and f"\nversion: {word}\n" in (rules.FOLDER / "policy.yaml").read_text("utf-8"):
            path = rules.FOLDER / "policy.yaml"
        return path, _shown(path)
    return Path(word), word


def _shown(path: Path) -> str:
    # A path below the working folder is shown as a person there would write it.
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return f"rules/{path.name}"
