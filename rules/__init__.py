"""The knowledge, as data: policies, their schema, and the vocabulary of facts."""

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


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
    return yaml.load((FOLDER / name).read_bytes(), loader)
