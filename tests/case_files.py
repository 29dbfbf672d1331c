"""The tests' data: YAML files, read by libyaml where it is there, which is nine times as fast as Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def cases(module: str, name: str) -> Any:
    """Return what the file `name` beside a module holds; module: its `__file__`."""
    return read_yaml(Path(module).parent / name)


def read_yaml(file: Path) -> Any:
    """Return what the one document of a file holds, as plain values."""
    return yaml.load(file.read_text("utf-8"), _LOADER)


def read_documents(file: Path) -> list[Any]:
    """Return what each document of a file holds, as plain values."""
    return list(yaml.load_all(file.read_text("utf-8"), _LOADER))
