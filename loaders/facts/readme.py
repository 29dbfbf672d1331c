"""The front matter of a README.md, read line by line as model cards are, and not as YAML."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from .. import bounded_files

# Front matter is a few hundred bytes; a model card can be large.
HEAD_BYTES = 64 << 10

_FENCE = "---"
_QUOTES = "\"'"


class FrontMatter(NamedTuple):
    """`reason` says why there is a README.md and yet nothing was read."""

    tags: tuple[str, ...] = ()
    library_name: str | None = None
    reason: str | None = None


def read(path: Path) -> FrontMatter:
    """Reads the front matter from the file's first 64 KiB; never raises because of what lies there."""
    try:
        head = bounded_files.read(path, HEAD_BYTES, cut=True)
    except FileNotFoundError:
        return FrontMatter()
    except OSError as error:
        return FrontMatter(reason=bounded_files.reason(error))
    return parse(head.decode("utf-8", "ignore"))


def parse(text: str) -> FrontMatter:
    """Finds `tags` (a flow list on one line, or a block list) and `library_name` between the first two `---` lines."""
    first, *rest = text.splitlines() or [""]
    if first.strip() != _FENCE:
        return FrontMatter()
    tags: list[str] = []
    library_name: str | None = None
    in_tags = False
    for line in takewhile(lambda line: line != _FENCE, map(str.strip, rest)):
        key, _, value = line.partition(":")
        if key.lower() == "library_name" and key != line:
            library_name, in_tags = value.strip().strip(_QUOTES), False
        elif key.lower() == "tags" and key != line:
            in_tags = not ("[" in line and "]" in line)
            if not in_tags:
                flow = line.split("[", 1)[1].rsplit("]", 1)[0]
                tags += filter(None, (tag.strip().strip(_QUOTES) for tag in flow.split(",")))
        elif in_tags and line.startswith("-"):
            tags += filter(None, [line.lstrip("-").strip().strip(_QUOTES)])
        elif line:
            in_tags = False
    return FrontMatter(tuple(tags), library_name)
