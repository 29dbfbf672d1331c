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
from binascii import crc32

from .. import rules
from .program import BranchRule, DerivedRule, Expression, GateRule, Program
from .record import NamedTuple
from .types import Type
from .vocabulary import ABSENT, Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .conditions import Condition
    from .document import Document
    from .evaluation import Evaluation
    from .program import Node

    Audit = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
    Path = str | os.PathLike[str]

_MAGIC = b"mlxk-rules program\n"
_MAX_BYTES = 64 * 1024 * 1024
_KEPT = 24  # files; the oldest go
_UNUSABLE = (OSError, ValueError, EOFError, TypeError, KeyError, IndexError)


class Kept(NamedTuple):
    """A program, with what was found out of its policy.

    audit: the library versions that the policy was checked with, and for each set its fact; None without an audit part.
    """

    program: Program
    conditions: tuple[Condition, ...]
    audit: Audit | None


def stored(path: Path, name: str) -> Kept | None:
    """Return what is kept of the rule file `path`, called `name` in messages; None where nothing is, or to believe."""
    place = _place()
    try:
        record = _believed(place, path, name) if place is not None else None
        if record is None:
            return None
        _, _, program, conditions, audit = record
        return Kept(_program(program), conditions, audit)
    except _UNUSABLE:
        return None


def files_of(path: Path, name: str) -> list[tuple[str, bytes]] | None:
    """Return path and bytes of each file that the program kept for a rule file is of; None where none is to believe."""
    place = _place()
    try:
        record = _believed(place, path, name) if place is not None else None
        return None if record is None else record[1]
    except _UNUSABLE:
        return None


def store(path: Path, name: str, document: Document, evaluation: Evaluation) -> None:
    """Keep the program that `document` became; says nothing where that cannot be done."""
    place = _place()
    if place is None:
        return
    try:
        os.makedirs(place, 0o700, exist_ok=True)  # noqa: PTH103
        if not _is_own(os.stat(place)):  # noqa: PTH116
            return
        data = marshal.dumps(
            (_head(), list(_files(document)), _plain(evaluation.program), evaluation.conditions, audit_of(document))
        )
        whole = _MAGIC + crc32(data).to_bytes(4, "big") + data
        target = _file_of(place, path, name)
        passing = f"{target}.{os.getpid()}.tmp"
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(whole)
            os.replace(passing, target)  # noqa: PTH105 - atomically, over whatever was there
        except BaseException:
            os.unlink(passing)  # noqa: PTH108
            raise
        _tidy(place)
    except (OSError, ValueError):
        return


def audit_of(document: Document) -> Audit | None:
    """Return what a policy's audit part says, without its places."""
    audit = document.audit
    if audit is None:
        return None
    return tuple((name, version) for name, version, _ in audit.checked_with), tuple(
        (s, fact) for s, fact, _ in audit.sets
    )


def _files(document: Document) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of a policy's rule file, and of those that it extends."""
    layer: Document | None = document
    while layer is not None:
        source = layer.place.source
        if source.path is None:
            raise ValueError("no file")
        yield str(source.path), source.data
        layer = layer.base


def _place() -> str | None:
    if os.environ.get("MLXK_RULES_NO_CACHE", "").strip() not in ("", "0"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    place = os.path.expanduser(base)  # noqa: PTH111 - never raises for want of a home
    return f"{place}/mlxk-rules/programs" if place.startswith("/") else None


def _file_of(place: str, path: Path, name: str) -> str:
    # A name stands in the trace's places, so the same file under another name is another program.
    whole = os.path.join(os.getcwd(), os.fspath(path))  # noqa: PTH109, PTH118
    key = f"{whole}\n{name}".encode("utf-8", "surrogateescape")
    return f"{place}/{crc32(key):08x}{crc32(key[::-1]):08x}.program"


def _head() -> tuple[str, tuple[tuple[str, int, int], ...]]:
    """What a program depends on beside the rule files: Python, and the code here that makes it."""
    with os.scandir(os.path.dirname(__file__)) as entries:  # noqa: PTH120
        own = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in entries if e.name.endswith(".py")]
    facts = os.stat(f"{rules.PLACE}/facts.yaml")  # noqa: PTH116
    own.append(("facts.yaml", facts.st_mtime_ns, facts.st_size))
    return sys.version, tuple(sorted(own))


def _believed(place: str, path: Path, name: str) -> Any:
    """Return a file's record, None where it is of another engine or other rule files. Raises what reading raises."""
    record = _read(_file_of(place, path, name))
    head, files = record[0], record[1]
    return record if head == _head() and all(_is(file, content) for file, content in files) else None


def _read(file: str) -> Any:
    """Raises OSError where the file is not this user's alone to write, and ValueError where it is not whole."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", 0) as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > _MAX_BYTES:
            raise PermissionError("not a file to believe")
        data = opened.read(status.st_size + 1) or b""
    start = len(_MAGIC) + 4
    inner = memoryview(data)[start:]
    if not data.startswith(_MAGIC) or crc32(inner) != int.from_bytes(data[len(_MAGIC) : start], "big"):
        raise ValueError("not a whole program")
    return marshal.loads(inner)


def _is(file: str, content: bytes) -> bool:
    status = os.stat(file)  # noqa: PTH116
    if not stat.S_ISREG(status.st_mode) or status.st_size != len(content):
        return False
    with open(file, "rb") as opened:  # noqa: PTH123
        return opened.read() == content


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _tidy(place: str) -> None:
    with os.scandir(place) as entries:
        dated = sorted((e.stat(follow_symlinks=False).st_mtime_ns, e.path) for e in entries if ".program" in e.name)
    for _, file in dated[:-_KEPT]:
        os.unlink(file)  # noqa: PTH108


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
        program.code,
        program.constants,
        program.guards,
        list(map(_plain_fact, program.facts)),
        marshal.dumps([program.nodes[place] for place in range(len(program.expressions))]),
    )


class _LateNodes:
    """Syntax trees, taken up when one is asked for: explaining needs none of them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._nodes: list[Node] | None = None

    def __getitem__(self, place: int, /) -> Node:
        nodes = self._nodes
        if nodes is None:
            nodes = self._nodes = marshal.loads(self._data)
        return nodes[place]


def _program(plain: tuple[Any, ...]) -> Program:
    name, version, sets, limits, types, derive, gates, expressions, code, constants, guards, facts, nodes = plain
    return Program(
        name,
        version,
        sets,
        limits,
        {key: _type(kind) for key, kind in types.items()},
        tuple([DerivedRule(key, tuple([BranchRule(*branch) for branch in branches])) for key, branches in derive]),
        tuple([GateRule(*gate) for gate in gates]),
        tuple([Expression(*expression) for expression in expressions]),
        _LateNodes(nodes),
        code,
        constants,
        guards,
        tuple([Fact(f[0], _type(f[1]), f[2], ABSENT if f[3] else f[4], *f[5:]) for f in facts]),
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
