"""The knowledge, as data: policies, their schema, and the vocabulary of facts."""

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@cache
def vocabulary() -> dict[str, Any]:
    """Return facts.yaml as plain data: `documents` and `facts`, each a list of dicts as that file describes them."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / "facts.yaml").read_bytes(), loader)
