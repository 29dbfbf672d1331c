"""From rule files to one policy document: what a file extends is read, and put together with it."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from ..garbage_collection import uncollected
from ..problems import PolicyError, Problem, did_you_mean
from ..storage import data_files
from .checked import problems_of
from .document import Document, Place
from .document_reader import read_document, read_parts
from .overlay import merge
from .policy_names import SHIPPED, TODAY, locate
from .source import Source, read, source_of

MAX_EXTENDS = 8
MAX_BESIDE = 1_000  # names of a folder, among which one is looked for
_NEWEST = ("latest", "newest", "current", "default", "head", "main", "master")


@uncollected
def load_document(source: str | os.PathLike[str] | None = None) -> Document:
    """Return the policy document of a shipped version, a path, or today's, put together with what it extends.

    Raises PolicyError.
    """
    path, name = locate(source)
    return _whole(read(path, name), path.parent)


@uncollected
def document_of(text: str, name: str) -> Document:
    """Return the policy document that stands in `text`; `name` stands for the file in messages. Raises PolicyError."""
    return _whole(source_of(text, name), Path.cwd())


def _whole(source: Source, folder: Path) -> Document:
    document, problems = read_parts(source)
    try:
        whole, misfits = _extended(document, folder, (source,))
    except PolicyError as error:
        raise PolicyError([*problems, *error.problems]) from None
    if problems or misfits:
        raise PolicyError([*problems, *misfits, *problems_of(whole)])
    return whole


def _extended(document: Document, folder: Path, above: tuple[Source, ...]) -> tuple[Document, list[Problem]]:
    if document.extends is None:
        return document, []
    place = document.extends_place or document.place
    path, name = _base_of(document.extends, folder, place)
    paths = [source.path.resolve() if source.path is not None else None for source in above]
    if path.resolve() in paths:
        names = [source.name for source in above[paths.index(path.resolve()) :]]
        loop = " -> ".join(f"`{one}`" for one in (*names, names[0]))
        message = f"the file extends itself: {loop}" if len(names) == 1 else f"these files extend one another: {loop}"
        raise PolicyError([place.problem("extends-too-deep", message, "extend a shipped version, such as `today`")])
    if len(above) > MAX_EXTENDS:
        help = "put some of them together"
        raise PolicyError(
            [place.problem("extends-too-deep", f"more than {MAX_EXTENDS} policies extend one another", help)]
        )
    try:
        source = read(path, name, named_by_file=True)
        base = read_document(source)
    except PolicyError as error:
        if all(not problem.file for problem in error.problems):
            near = _beside(path, above[-1]) if not (path.exists() or SHIPPED.fullmatch(document.extends)) else ""
            raise PolicyError(
                place.problem(p.code, f"cannot extend: {p.message}", near or p.help) for p in error.problems
            ) from None
        raise
    base, misfits = _extended(base, path.parent, (*above, source))
    if misfits:
        raise PolicyError(misfits)
    return merge(base, document)


def _base_of(word: str, folder: Path, place: Place) -> tuple[Path, str]:
    if word == TODAY or SHIPPED.fullmatch(word):
        return locate(word)
    if not word.endswith((".yaml", ".yml")):
        # A message may show a line of the file: what is no rule file by its name is not opened.
        help = "name a shipped version such as 2.0.4, or a path that ends in .yaml"
        if word.lower() in _NEWEST:
            help = f"write `extends: {TODAY}` for the newest that is shipped"
        elif meant := did_you_mean(word, [TODAY, *(file.stem for file in data_files.FOLDER.glob("[0-9]*.yaml"))]):
            help = meant
        raise PolicyError([place.problem("no-file", f"`{word[:100]}` is no policy to extend", help)])
    path = folder / word
    return path, str(path)


def _beside(path: Path, own: Source) -> str:
    """Return the rule file in the same folder that may be meant, or ""."""
    try:
        names = [file.name for file in islice(path.parent.iterdir(), MAX_BESIDE) if file.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    return did_you_mean(path.name, [name for name in names if path.with_name(name) != own.path])
