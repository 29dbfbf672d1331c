"""The knowledge, as data: policies, their schema, and the vocabulary of facts; and what both halves share besides."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    FOLDER: Path

PLACE = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../../rules")  # a start need not import pathlib


def __getattr__(name: str) -> Any:
    if name == "FOLDER":
        from pathlib import Path

        found = globals()[name] = Path(PLACE)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def vocabulary() -> dict[str, Any]:
    """Return facts.yaml as plain data: `documents` and `facts`, each a list of dicts as that file describes them."""
    return _data("facts.yaml")


@cache
def levers() -> dict[str, Any]:
    """Return levers.yaml as plain data: `kinds`, and `levers`, a list of dicts as that file describes them."""
    return _data("levers.yaml")


def _data(name: str) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(f"{PLACE}/{name}", "rb") as file:
        return yaml.load(file, loader)
