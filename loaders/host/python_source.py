"""Python source of installed packages, read as text and syntax trees and never run."""

from __future__ import annotations

import ast
import os
import re
import textwrap
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from .. import bounded_files
from . import installed

_MAX_BYTES = 1 << 20
# A closing parenthesis or a comment at the same indent does not end a block.
_NEXT = {indent: re.compile(rf"^{' ' * indent}[A-Za-z_@]", re.MULTILINE) for indent in (0, 4)}


class Origin(NamedTuple):
    """Where a module has a name from: `from` so many dots and `module` `import name`; no dots for an absolute one."""

    dots: int
    module: str
    name: str


class Class(NamedTuple):
    """A class's own text, with the file and the name that it has there."""

    file: Path
    name: str
    text: str


_watching: list[set[str]] = []


@contextmanager
def watched() -> Generator[set[str], None, None]:
    """The paths of all modules and folders that are looked at meanwhile, missing ones too."""
    seen: set[str] = set()
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


def _looked_at(path: Path) -> None:
    for seen in _watching:
        seen.add(str(path))


def read(path: Path) -> str:
    """A module's text; empty where it is missing, unreadable or too large."""
    _looked_at(path)
    try:
        return bounded_files.read(path, _MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def modules(folder: Path) -> list[str]:
    """The names of a folder's modules, sorted."""
    _looked_at(folder)
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name[:-3] for entry in entries if entry.name.endswith(".py") and entry.name[0] != "_")
    except OSError:
        return []


def subpackages(folder: Path) -> list[str]:
    """The names of a folder's packages, sorted."""
    _looked_at(folder)
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(("_", ".")))
    except OSError:
        return []


def parse(text: str) -> ast.Module:
    """The syntax tree; an empty one where the text is no Python, or another Python's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what its author wrote in a string is no news to the person who asks
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def bindings(tree: ast.Module) -> dict[str, Origin | None]:
    """The names that a module's top level binds, in `try` and `if` too: an Origin, or None for one made right there."""
    found: dict[str, Origin | None] = {}
    for node in _top_level(tree.body):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = Origin(node.level, node.module or "", alias.name)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = None
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    # `Model = Other` is Other under a second name.
                    alias_of = found.get(node.value.id) if isinstance(node.value, ast.Name) else None
                    found[target.id] = alias_of
    return found


@lru_cache(maxsize=256)  # many models are of few types
def names_in(text: str) -> dict[str, Origin | None]:
    """The bindings of a module's text."""
    return bindings(parse(text))


def wants_missing_package(tree: ast.Module) -> bool:
    """Whether a module's top level tries to import a package that is not installed, and exits the process then."""
    for node in tree.body:
        if isinstance(node, ast.Try) and any("sys.exit(" in ast.unparse(handler) for handler in node.handlers):
            for inner in node.body:
                names = [alias.name for alias in inner.names] if isinstance(inner, ast.Import) else []
                names += [inner.module or ""] if isinstance(inner, ast.ImportFrom) and not inner.level else []
                if any(installed.find(name.partition(".")[0]) is None for name in names):
                    return True
    return False


@lru_cache(maxsize=16)
def table(text: str, name: str) -> dict[str, str]:
    """The strings of the dict that a module's top level assigns to `name`; computed entries are left out."""
    start = re.search(rf"^{name}\b[^=\n]*=\s*{{", text, re.MULTILINE)
    if not start:
        return {}
    # The dict ends at the first line that ends with a brace and makes the text Python: a comment may hold one too.
    ends = islice(re.compile(r"}\s*(?:#.*)?$", re.MULTILINE).finditer(text, start.end()), 100)
    bodies = (parse(text[start.start() : end.start() + 1]).body for end in ends)
    node = next(filter(None, bodies), [None])[0]
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if not isinstance(value, ast.Dict):
        return {}
    pairs = zip(value.keys, value.values, strict=True)
    constant = ((key, item) for key, item in pairs if isinstance(key, ast.Constant) and isinstance(item, ast.Constant))
    return {str(key.value): str(item.value) for key, item in constant}


def block(text: str, head: str, indent: int = 0) -> str:
    """The lines of the class or function that begins `head`, so far indented, up to the next that is no deeper.

    Cut out as text, because parsing whole modules would take ten times as long.
    """
    begin = re.search(rf"^{' ' * indent}{head}\b", text, re.MULTILINE)
    if not begin:
        return ""
    end = _NEXT[indent].search(text, begin.end())
    return text[begin.start() : end.start() if end else None]


def find_class(file: Path, name: str, root: Path) -> Class | None:
    """The class that a module calls `name`, followed through imports within `root`, the package's folder."""
    text = read(file)
    if lines := block(text, f"class {re.escape(name)}"):
        return Class(file, name, lines)
    return imported_class(file, names_in(text).get(name), root)


def imported_class(file: Path, origin: Origin | None, root: Path, hops: int = 8) -> Class | None:
    """The class that a module imports from `origin`, within `root`; None where that is another library's."""
    target = module_file(file, origin, root) if origin and hops else None
    if origin is None or target is None:
        return None
    text = read(target)
    if lines := block(text, f"class {re.escape(origin.name)}"):
        return Class(target, origin.name, lines)
    return imported_class(target, names_in(text).get(origin.name), root, hops - 1)


def bases(found: Class, root: Path) -> Iterator[Class]:
    """The class itself, then its base classes within `root`, depth first as Python looks them up; each once."""
    waiting, seen = [found], {(found.file, found.name)}
    while waiting:
        current = waiting.pop(0)
        yield current
        header = re.match(r"class \w+\s*\(([^)]*)\)", current.text)
        # A dotted one, as nn.Module, is another library's.
        names = [name.strip() for name in header.group(1).split(",")] if header else []
        parents: list[Class] = []
        for name in filter(str.isidentifier, names):
            parent = find_class(current.file, name, root)
            if parent and (parent.file, parent.name) not in seen:
                seen.add((parent.file, parent.name))
                parents.append(parent)
        waiting[:0] = parents


def method(found: Class, name: str, root: Path) -> str:
    """The text of a method, of the class or of the nearest base that has it; empty where none within `root` has."""
    blocks = (block(current.text, f"def {re.escape(name)}", indent=4) for current in bases(found, root))
    return next(filter(None, blocks), "")


@lru_cache(maxsize=64)
def function(text: str) -> ast.FunctionDef | None:
    """The syntax tree of a function's text, at whatever indent; None where it is none."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))  # a comment behind it is less indented
    node = next(iter(parse(textwrap.dedent("\n".join(lines))).body), None)
    return node if isinstance(node, ast.FunctionDef) else None


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.Try):
            yield from _top_level([*node.body, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.If):
            yield from _top_level([*node.body, *node.orelse])
        else:
            yield node


def module_file(file: Path, origin: Origin, root: Path) -> Path | None:
    """The file within `root` that a name is imported from; None where that is another library's."""
    if origin.dots:
        base = file.parents[origin.dots - 1] if origin.dots <= len(file.parents) else root
        parts = origin.module.split(".") if origin.module else []
    else:
        package, *parts = origin.module.split(".")
        if package != root.name:
            return None
        base = root
    target = base.joinpath(*parts)
    if not target.is_relative_to(root):
        return None
    # `from . import language` binds a module, not a class: looking for its file is harmless.
    for candidate in (target.with_name(target.name + ".py"), target / "__init__.py"):
        _looked_at(candidate)
        if candidate.is_file():
            return candidate
    return None
