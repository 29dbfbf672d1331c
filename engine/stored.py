"""Programs kept on disk, so that starting needs neither YAML nor JMESPath: a policy's text, and what became of it.

One file a policy in the user's cache folder. It is believed only where it is a regular file of this user's that nobody
else may write, whole, of this engine and this Python, and of exactly the rule files' bytes; else it is as if there were
none. A place that cannot be written is no error. MLXK_RULES_NO_CACHE=1 turns it off.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .program import BranchRule, DerivedRule, Expression, GateRule, Program
from .types import Type
from .vocabulary import ABSENT, Fact

if TYPE_CHECKING:
    from .document import Document

_MAGIC = b"mlxk-rules program\n"
_MAX_BYTES = 64 * 1024 * 1024
_KEPT = 24  # files; the oldest go


def stored(path: Path, name: str) -> Program | None:
    """Return the program of the rule file `path`, called `name` in messages; None where none is kept, or to believe."""
    place = _place()
    if place is None:
        return None
    try:
        record = _read(_file_of(place, path, name))
        head, files, program = record
        if head != _head() or not all(_is(Path(file), content) for file, content in files):
            return None
        return _program(program)
    except (OSError, ValueError, EOFError, TypeError, KeyError, IndexError):
        return None


def files_of(path: Path, name: str) -> list[tuple[str, bytes]] | None:
    """Return path and bytes of each file that the program kept for a rule file is of; None where none is to believe."""
    place = _place()
    try:
        head, files, _ = _read(_file_of(place, path, name)) if place is not None else (None, [], None)
        return files if head == _head() and all(_is(Path(file), content) for file, content in files) else None
    except (OSError, ValueError, EOFError, TypeError, KeyError, IndexError):
        return None


def store(path: Path, name: str, document: Document, program: Program) -> None:
    """Keep the program that `document` became; says nothing where that cannot be done."""
    place = _place()
    if place is None:
        return
    with suppress(OSError, ValueError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(place.stat()):
            return
        data = marshal.dumps((_head(), list(_files(document)), _plain(program)))
        whole = _MAGIC + zlib.crc32(data).to_bytes(4, "big") + data
        target = _file_of(place, path, name)
        passing = target.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(whole)
            passing.replace(target)  # atomically, over whatever was there
        except BaseException:
            passing.unlink(missing_ok=True)
            raise
        _tidy(place)


def _files(document: Document) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of a policy's rule file, and of those that it extends."""
    layer: Document | None = document
    while layer is not None:
        source = layer.place.source
        if source.path is None:
            raise ValueError("no file")
        yield str(source.path), source.data
        layer = layer.base


def _place() -> Path | None:
    if os.environ.get("MLXK_RULES_NO_CACHE", "").strip() not in ("", "0"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    place = Path(os.path.expanduser(base))  # noqa: PTH111 - never raises for want of a home
    return place / "mlxk-rules" / "programs" if place.is_absolute() else None


def _file_of(place: Path, path: Path, name: str) -> Path:
    # A name stands in the trace's places, so the same file under another name is another program.
    key = f"{path.absolute()}\n{name}".encode("utf-8", "surrogateescape")
    return place / f"{zlib.crc32(key):08x}{zlib.adler32(key):08x}.program"


def _head() -> tuple[str, tuple[tuple[str, int, int], ...]]:
    """What a program depends on beside the rule files: Python, and the code here that makes it."""
    folder = Path(__file__).parent
    with os.scandir(folder) as entries:
        own = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in entries if e.name.endswith(".py")]
    facts = (folder.parent / "rules" / "facts.yaml").stat()
    own.append(("facts.yaml", facts.st_mtime_ns, facts.st_size))
    return sys.version, tuple(sorted(own))


def _read(file: Path) -> Any:
    """Raises OSError where the file is not this user's alone to write, and ValueError where it is not whole."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > _MAX_BYTES:
            raise PermissionError("not a file to believe")
        data = opened.read(_MAX_BYTES)
    start = len(_MAGIC) + 4
    if data[: len(_MAGIC)] != _MAGIC or zlib.crc32(data[start:]).to_bytes(4, "big") != data[len(_MAGIC) : start]:
        raise ValueError("not a whole program")
    return marshal.loads(data[start:])


def _is(file: Path, content: bytes) -> bool:
    status = file.stat()
    return stat.S_ISREG(status.st_mode) and status.st_size == len(content) and file.read_bytes() == content


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _tidy(place: Path) -> None:
    files = sorted(place.glob("*.program"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in files[_KEPT:]:
        file.unlink(missing_ok=True)


# --- to plain values and back: marshal takes no subclass of a tuple


def _plain(program: Program) -> tuple[Any, ...]:
    return (
        program.name,
        program.version,
        program.sets,
        program.limits,
        {name: _plain_type(kind) for name, kind in program.types.items()},
        [(rule.name, [tuple(branch) for branch in rule.branches]) for rule in program.derive],
        [tuple(gate) for gate in program.gates],
        [tuple(expression) for expression in program.expressions],
        marshal.dumps(program.nodes),
        program.code,
        program.constants,
        program.guards,
        list(map(_plain_fact, program.facts)),
    )


def _program(plain: tuple[Any, ...]) -> Program:
    name, version, sets, limits, types, derive, gates, expressions, nodes, code, constants, guards, facts = plain
    return Program(
        name,
        version,
        sets,
        limits,
        {key: _type(kind) for key, kind in types.items()},
        tuple(DerivedRule(key, tuple(BranchRule(*branch) for branch in branches)) for key, branches in derive),
        tuple(GateRule(*gate) for gate in gates),
        tuple(Expression(*expression) for expression in expressions),
        marshal.loads(nodes),
        code,
        constants,
        guards,
        tuple(Fact(f[0], _type(f[1]), f[2], ABSENT if f[3] else f[4], *f[5:]) for f in facts),
    )


def _plain_fact(fact: Fact) -> tuple[Any, ...]:
    default = (True, None) if fact.default is ABSENT else (False, fact.default)
    return fact.name, _plain_type(fact.type), fact.unit, *default, fact.source, fact.means


def _plain_type(kind: Type) -> tuple[Any, ...]:
    fields = None if kind.fields is None else {name: _plain_type(inner) for name, inner in kind.fields.items()}
    return kind.kinds, None if kind.item is None else _plain_type(kind.item), fields, kind.values, kind.sure


def _type(plain: tuple[Any, ...]) -> Type:
    kinds, item, fields, values, sure = plain
    inner = None if fields is None else {name: _type(kind) for name, kind in fields.items()}
    return Type(kinds, None if item is None else _type(item), inner, values, sure)
