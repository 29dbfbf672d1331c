"""HTML as strings: every text and attribute escaped, by the one function that makes elements."""

from __future__ import annotations

import re
from html import escape

from ..terminal import safe

_VOID = frozenset({"meta"})


class Html(str):
    """Markup that is whole and safe to put into a page."""

    __slots__ = ()


def el(tag: str, *inside: str | None, **attributes: object) -> Html:
    """Return an element. A plain string inside, and every attribute's value, is text and is escaped; Html is not.

    An attribute is left out where it is None or ""; `class_` is `class`, and _ stands for - in the others.
    """
    words = [tag]
    for name, value in attributes.items():
        if value is not None and value != "":
            shown = "class" if name == "class_" else name.replace("_", "-")
            words.append(f'{shown}="{_text(str(value))}"')
    head = f"<{' '.join(words)}>"
    return Html(head if tag in _VOID and not inside else f"{head}{join(*inside)}</{tag}>")


def code(text: str) -> Html:
    """Return an expression. A `!` stays with what it negates: between the two, browsers would end a line."""
    pieces = re.split(r"(!\S)", text)
    return el("code", *(el("span", part, class_="whole") if part[:1] == "!" and part[1:] else part for part in pieces))


def join(*parts: str | None) -> Html:
    """Return parts one after the other, those that are no Html escaped."""
    return Html("".join(part if isinstance(part, Html) else _text(part) for part in parts if part is not None))


def _text(text: str) -> str:
    return escape(safe(text, keep="\n"), quote=True)
