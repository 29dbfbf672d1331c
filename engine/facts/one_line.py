"""What a value is in a message: one line of text, its spaces single."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

MAX_SAID = 300  # characters of one value
MAX_KNOWN = 4096


def as_text(value: Any) -> str:
    """Return a value as it stands in a message."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:MAX_SAID]


def is_said(text: str) -> bool:
    """Whether a text stands in a message as it is, whatever stands around it."""
    return bool(text) and len(text) <= MAX_SAID and " ".join(text.split()) == text


def sayer(known: set[str]) -> Callable[[Any], str]:
    """Return `said`: a value as it stands in a message. It raises ValueError where that depends on what is around it.

    known: texts that were found to stand as they are, added to as they are met, up to MAX_KNOWN.
    """

    def said(value: Any) -> str:
        text = as_text(value)
        if not is_said(text):
            raise ValueError("odd spaces")
        if text == value and len(known) < MAX_KNOWN:
            known.add(text)
        return text

    return said


def normal(parts: Sequence[str | int]) -> list[str | int]:
    """Return a message's parts with the spaces of its own text single, and none at its ends."""
    found = [re.sub(r"\s+", " ", part) if isinstance(part, str) else part for part in parts]
    if found and isinstance(found[0], str):
        found[0] = found[0].lstrip()
    if found and isinstance(found[-1], str):
        found[-1] = found[-1].rstrip()
    return found
