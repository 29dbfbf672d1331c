"""The expressions of the shipped rule files as Python functions, by the digest of their code.

Each module is of one rule file, made by `python -m tests.engine.compiler.shipped`; those called parts hold parts of its
conditions, which only explaining asks. What the same file says elsewhere, or a file of one's own says too, is found
here as well.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

MODULES = ("policy", "levers", "policy_parts", "policy_2_0_4", "policy_2_0_4_parts")  # what is asked most comes first


def functions(digests: Iterable[int]) -> dict[int, Any]:
    """Return those of the functions that are shipped, and others that stand beside them."""
    missing = set(digests)
    found: dict[int, Any] = {}
    for name in MODULES:
        if not missing:
            break
        found |= import_module(f".{name}", __name__).FUNCTIONS
        missing -= found.keys()
    return found
