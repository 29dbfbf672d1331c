"""Model folders of cases: made of a few files, or found beside the case file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MAX_PART, _MAX_NAME = 255, 1_000  # bytes, what file systems take


def misnamed(name: str) -> str:
    """Return why no file below a folder can have this relative path, as a phrase, or ""."""
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts or "\\" in name:
        return "leads out of the folder"
    if "" in parts or "." in parts or "\0" in name:
        return "is no name of a file"
    try:
        longest = max(len(part.encode("utf-8")) for part in parts)
    except UnicodeEncodeError:
        return "is no name of a file"
    return "is too long a name" if longest > _MAX_PART or len(name) > _MAX_NAME else ""


def write(folder: Path, files: Iterable[tuple[str, Any]]) -> Path:
    """Write files below a new folder: text as it is, null as an empty file, anything else as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        file.write_text(text, encoding="utf-8")
    return folder
