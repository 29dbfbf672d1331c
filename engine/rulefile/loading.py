"""From rule files to one policy document: what a file extends is read, and put together with it."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from ..problems import PolicyError, Problem, did_you_mean, nearest
from ..storage import data_files
from .checked import problems_of
from .document import Document, Place
from .document_reader import read_document, read_parts
from .overlay import conflicts, merge
from .policy_names import TODAY, is_version, locate
from .source import Source, read, source_of

MAX_EXTENDS = 8
MAX_BESIDE = 1_000  # names of a folder, among which one is looked for
_NEWEST = ("latest", "newest", "current", "default", "head", "main", "master")


def load_document(source: str | os.PathLike[str] | None = None) -> Document:
    """Return the policy document of a shipped version, a path, or today's, put together with what it extends.

    Raises PolicyError.
    """
    path, name = locate(source)
    return _whole(read(path, name), path.parent)


def document_of(text: str, name: str) -> Document:
    """Return the policy document that stands in `text`; `name` stands for the file in messages. Raises PolicyError."""
    return _whole(source_of(text, name), Path.cwd())


def parts_of(text: str, name: str, folder: Path) -> tuple[Document, list[Problem]]:
    """Return what is sound of the policy that stands in `text`, and every problem of the rest.

    What it extends is looked for from `folder` on. Raises PolicyError where nothing of it can be read.
    """
    source = source_of(text, name)
    document, problems = read_parts(source)
    try:
        whole, misfits = _extended(document, folder, (source,))
    except PolicyError as error:
        return document, [*problems, *error.problems]
    return whole, [*problems, *misfits, *problems_of(whole)]


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
    if not document.extends:
        return document, []
    below, *others = [_layers(document, word, folder, above) for word in document.extends]
    problems: list[Problem] = []
    for word, layers in zip(document.extends[1:], others, strict=True):
        place = document.extends_place or document.place
        known = [layer.place.source for layer in below]
        own = [layer for layer in layers if layer.place.source not in known]
        if not own or len(own) == len(layers):
            what = "is below the others already" if not own else "is made of another policy than the others"
            help = "each of several has to extend the same policy" if own else "delete it"
            problems.append(place.problem("no-overlay", f"`{word[:100]}` {what}", help))
            continue
        shared = [layer for layer in below if layer.place.source in [one.place.source for one in layers]]
        beside = [layer for layer in below if layer not in shared]
        problems += conflicts(beside, own, document)
        below += own
    if problems:
        raise PolicyError(problems)
    whole = below[0]
    for layer in below[1:]:
        whole, misfits = merge(whole, layer)
        if misfits:
            raise PolicyError(misfits)
    return merge(whole, document)


def _layers(document: Document, word: str, folder: Path, above: tuple[Source, ...]) -> list[Document]:
    """Return the documents that a policy is put together from, the one that extends nothing first."""
    place = document.extends_place or document.place
    path, name = _base_of(word, folder, place)
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
            near = _beside(path, above[-1]) if not (path.exists() or is_version(word)) else ""
            raise PolicyError(
                place.problem(p.code, f"cannot extend: {p.message}", near or p.help) for p in error.problems
            ) from None
        raise
    below: list[Document] = []
    for other in base.extends:
        known = [layer.place.source for layer in below]
        layers = _layers(base, other, path.parent, (*above, source))
        below += [one for one in layers if one.place.source not in known]
    return [*below, base]


def _base_of(word: str, folder: Path, place: Place) -> tuple[Path, str]:
    if word == TODAY or is_version(word):
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
        beside = [file for file in islice(path.parent.iterdir(), MAX_BESIDE) if file.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    # An ending that all have is no likeness.
    names = {file.stem: file.name for file in beside if file != own.path}
    meant = nearest(path.stem, names)
    return "" if meant is None else f"did you mean `{names[meant]}`?"
