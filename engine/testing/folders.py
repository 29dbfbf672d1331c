"""Model folders of cases: made of a few files, or found beside the case file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write(folder: Path, files: Iterable[tuple[str, Any]]) -> Path:
    """Write files below a new folder: text as it is, null as an empty file, anything else as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        file.write_text(text, encoding="utf-8")
    return folder
