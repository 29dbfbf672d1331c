"""Facts in JSON lines: a file's lines, one by one or in blocks, and the facts that a line holds."""

from __future__ import annotations

import json
import re
import select
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, cast

from ..problems import UsageError

MAX_LINE = 16 * 1024 * 1024  # bytes
_MAX_SKIPPED = 4 * MAX_LINE  # of the rest of a line that is too long
_OBJECT = re.compile(r"\s*\{")  # where one begins
_FIRST_BLOCK, _MAX_BLOCK = 4 << 10, 512 << 10


def opened(name: str, stack: ExitStack) -> BufferedReader:
    """Return standard input for -, else the file, which `stack` closes. Raises UsageError.

    What `probe` prints, an object over many lines, is read as one line.
    """
    if name == "-":
        return _one_a_line(cast(BufferedReader, sys.stdin.buffer))
    try:
        return _one_a_line(stack.enter_context(Path(name).open("rb")))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            "unreadable-file", f"cannot read `{name}`: {reason}", "name a file of JSON lines, or -"
        ) from None


def _one_a_line(file: BufferedReader) -> BufferedReader:
    """Return a file of objects over many lines with each of them on the line where it begins; any other as it is."""
    if not file.peek(3).startswith((b"{\n", b"{\r\n")):
        return file
    content = file.read(MAX_LINE + 1)
    if len(content) > MAX_LINE:
        message = f"an object over many lines, in a file of more than {MAX_LINE >> 20} MiB"
        raise UsageError("line-too-long", message, "write one JSON object a line")
    text, put, end = content.decode("utf-8", "surrogateescape"), "", 0
    decoder = json.JSONDecoder()
    while match := _OBJECT.match(text, end):
        try:
            after = decoder.raw_decode(text, match.end() - 1)[1]
        except (ValueError, RecursionError):
            break
        whole = text[match.end() - 1 : after]
        rest = text.find("\n", after) + 1 or len(text)
        put += text[end : match.end() - 1] + " ".join(whole.splitlines()) + text[after:rest] + "\n" * whole.count("\n")
        end = rest
    return BufferedReader(BytesIO((put + text[end:]).encode("utf-8", "surrogateescape")))  # type: ignore[arg-type]


def lines_of(file: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each line that is not blank; of one longer than MAX_LINE its beginning.

    Raises UsageError where such a line does not end.
    """
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            yield number, line
            skipped = 0
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
                skipped = _skipped(skipped + len(line), number)
        elif line.strip():
            yield number, line


def blocks_of(file: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of whole lines as they come, each with its first line's number; of one longer than MAX_LINE its
    beginning, as a block of its own.

    Blocks grow while more is waiting: the first lines are there at once, and a million come in few pieces. An empty
    block says that a line has begun: whoever has something else to do may do it before the next read waits. Raises
    UsageError where such a line does not end.
    """
    number, size = 1, _FIRST_BLOCK
    rest = b""
    while piece := _piece(file, size):
        size = min(size * 2, _MAX_BLOCK) if len(piece) >= size else _FIRST_BLOCK
        end = piece.rfind(b"\n") + 1
        block, rest = (rest + piece[:end], piece[end:]) if end else (b"", rest + piece)
        yield number, block
        number += block.count(b"\n")
        if len(rest) > MAX_LINE:
            yield number, rest[: MAX_LINE + 1]
            skipped = 0
            while b"\n" not in rest:
                rest = file.read1(_MAX_BLOCK)
                if not rest:
                    return
                skipped = _skipped(skipped + len(rest), number)
            number, rest = number + 1, rest.partition(b"\n")[2]
    if rest:
        yield number, rest


def _skipped(count: int, number: int) -> int:
    """Return how much of a line was passed over. Raises UsageError where that is more than anybody waits for."""
    if count > _MAX_SKIPPED:
        message = f"line {number} has no end within {_MAX_SKIPPED >> 20} MiB: what follows is not read"
        raise UsageError("line-too-long", message, "write one JSON object a line")
    return count


def _piece(file: BufferedReader, size: int) -> bytes:
    """Read so much, or what is there: waits for the first byte only."""
    pieces = [file.read1(size)]
    length = len(pieces[0])
    while pieces[-1] and length < size and is_waiting(file):
        pieces.append(file.read1(size - length))
        length += len(pieces[-1])
    return b"".join(pieces)


def is_waiting(file: BufferedReader) -> bool:
    """Whether a read would not wait; False where that cannot be told."""
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def facts_in(line: bytes) -> dict[str, Any]:
    """Return the facts that a line holds. Raises UsageError."""
    if len(line) > MAX_LINE:
        raise UsageError("line-too-long", f"the line is longer than {MAX_LINE // 1024**2} MiB", "send less")
    try:
        facts = json.loads(line, parse_constant=refuse_constant)
    except RecursionError:
        raise UsageError("bad-json", "the JSON nests too deep", "facts have a few levels") from None
    except ValueError as error:
        place = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg.lower() if isinstance(error, json.JSONDecodeError) else str(error)[:100]
        raise UsageError("bad-json", f"the line is not JSON{place}: {reason}", "one object a line") from None
    if not isinstance(facts, dict):
        raise UsageError("bad-facts", "the line is no JSON object", "write facts as `mlxk-rules probe` prints them")
    return facts


def refuse_constant(name: str) -> None:
    """Raise ValueError: JSON has no NaN and no infinity, though Python's reader has."""
    raise ValueError(f"`{name}` is not JSON")
