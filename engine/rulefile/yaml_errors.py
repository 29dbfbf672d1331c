"""What a YAML parser refuses, in words of our own.

libyaml and PyYAML's own parser say the same in different words, and new versions in others again. A person sees ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from ..problems import Problem

if TYPE_CHECKING:
    from .source import Source

_OPEN_QUOTE = "the quote that opens here is not closed"
_NO_ESCAPE = "double quotes know no such escape"

# A regular expression for the parser's words, our message ({} is its group), what to do. The first that fits counts.
_WORDS = (
    (
        r"cannot start any token",
        "no plain value begins with this character",
        "quote the value: `, @, % and a tab cannot begin a plain one",
    ),
    (
        r"(?:anchor|alias): .*alphabetic",
        "an anchor or alias begins here, and no name follows",
        "quote the value: a plain one cannot begin with & or *",
    ),
    (r"expected ',' or '(.)'", "a comma or a `{}` is missing", "close the bracket, or check the commas"),
    (
        r"mapping values are not allowed",
        "this colon makes a key where none can stand",
        "quote the value, or indent the key: a colon and a space make a key",
    ),
    (
        r"mapping keys are not allowed",
        "this question mark makes a key where none can stand",
        "quote the value: a question mark and a space make a key",
    ),
    (
        r"sequence entries are not allowed",
        "this dash makes a list element where none can stand",
        "begin the list on the next line, or quote the value: a dash and a space make an element",
    ),
    (r"quoted scalar: .*(?:end of stream|document)", _OPEN_QUOTE, "close it"),
    (r"quoted scalar: .*(?:escape|hex)", _NO_ESCAPE, r"write \\ for a backslash, or use single quotes"),
    (
        r"block collection",
        "a list goes on here without a dash",
        "begin the element with a dash, or indent the line as the element's other keys",
    ),
    (
        r"block mapping",
        "a key is wanted here",
        "quote the value if it begins with { or a quote; else check the indentation",
    ),
    (r"expected ':'", "this key has no colon", "a key wants a colon and a space after it"),
    (r"node content", "a value is wanted here", "write one, in quotes if it begins with a bracket or a comma"),
    (r"directive|incompatible|duplicate", "a line with % in front is an order to the YAML parser", "delete the line"),
    (r"\ba tag\b|tag handle", "the ! begins a YAML tag", "quote the whole value if the ! is part of it"),
    (r"<document start>", "the document ended before this", "delete the rest, or check quotes and brackets"),
    (r"block scalar", "no text can stand behind | or > on its line", "begin it on the next line"),
)


def refusal(source: Source, error: Exception, begin: int, index: int) -> Problem:
    """Return what the parser refused as a problem; begin, index: as `places` has them."""
    if isinstance(error, yaml.reader.ReaderError):
        return _character(source, error)
    said = _said(error)
    message, help = f"the YAML parser stops here: {said}", "check quotes, brackets and indentation here and before"
    for pattern, ours, advice in _WORDS:
        if found := re.search(pattern, said):
            message, help = ours.format(*found.groups()), advice
            break
    if message == _OPEN_QUOTE:
        index = begin  # and not the end of the file
    elif said.startswith("while parsing a flow") and source.text[begin : begin + 1] in ("[", "{"):
        line = source.problem("", "", "", index).line
        close = {"[": "]", "{": "}"}[source.text[begin]]
        message = f"the `{source.text[begin]}` that opens here is not closed: {message} before line {line + 1}"
        help, index = f"write the `{close}`, or the comma between two values", begin
    elif (quote := _quote_over_lines(source, index)) is not None:
        message, help, index = _OPEN_QUOTE, "close it in its line: it takes in the lines below", quote
    elif (blank := _odd_blank(source, index)) is not None:
        code = ord(source.text[blank])
        message, help, index = f"the character U+{code:04X} indents this line", "indent with plain spaces", blank
    elif message == _NO_ESCAPE:
        index = max(source.text.rfind("\\", 0, index + 1), 0)
    elif source.text[index : index + 1] == "\t":
        message, help = "a tab indents this line", "indent with spaces"
    return source.problem("yaml-syntax", message, help, index)


def places(error: Exception) -> tuple[int, int] | None:
    """Return where what the parser refused begins, and where it was refused; None where the parser does not say."""
    marks: tuple[Any, ...] = (getattr(error, "context_mark", None), getattr(error, "problem_mark", None))
    found = [mark.index for mark in marks if mark is not None]
    return (found[0], found[-1]) if found else None


def _said(error: Exception) -> str:
    """Return the parser's words in one short line, without addresses of web pages."""
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    words = ": ".join(str(part) for part in parts if part) or str(error) or type(error).__name__
    return " ".join(re.sub(r"\S*://\S*", "", words).split())[:200].rstrip(" .,:;")


def _character(source: Source, error: yaml.reader.ReaderError) -> Problem:
    code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "?")
    index = source.text.find(chr(code)) if 0 <= code < 0x110000 else 0
    return source.problem("yaml-syntax", f"the character U+{code:04X} is not allowed in YAML", "delete it", index)


def _quote_over_lines(source: Source, index: int) -> int | None:
    """Return where a quoted text begins that holds lines with keys and ends right before `index`: it is not closed."""
    before = source.text[: index + 1].rstrip("\n")
    for quote in "\"'":
        at = before.rfind(quote, 0, index + 1)
        opening = before.rfind(quote, 0, at) if at > 0 else -1
        if opening >= 0 and re.search(r"\n[ ]*(?:- )?[\w-]+:(?: |\n)", before[opening:at]):
            return opening
    return None


def _odd_blank(source: Source, index: int) -> int | None:
    """Return where a blank indents a line that is no space: YAML does not count it, and nobody sees it."""
    end = source.text.find("\n", index)
    found = list(re.finditer(r"^[ ]*([^\S \t\n])", source.text[: end if end >= 0 else None], re.MULTILINE))
    return found[-1].start(1) if found else None
