"""mlxk-rules decide."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import UsageError
from .common import policy_of

MAX_LINE = 16 * 1024 * 1024  # bytes


def run(options: dict[str, Any]) -> int:
    """Print a decision for each line of facts. Returns 2 if a line held no facts, else 1 if one was blocked, else 0."""
    policy = policy_of(options)
    code = 0
    with ExitStack() as stack:
        for number, line in lines_of(opened(options["FILE"], stack)):
            try:
                answer = policy.decide(facts_in(line)).to_dict()
            except UsageError as error:
                where = {"code": error.code, "message": error.message, "help": error.help, "line": number}
                answer, code = {"error": where}, 2
            else:
                code = max(code, int(answer["decision"] == "block"))
            print(json.dumps(answer, allow_nan=False))
            sys.stdout.flush()  # whoever sends lines one by one waits for each answer
    return code


def opened(name: str, stack: ExitStack) -> BinaryIO:
    """Return standard input for -, else the file, which `stack` closes. Raises UsageError."""
    if name == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(name).open("rb"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            "unreadable-file", f"cannot read `{name}`: {reason}", "name a file of JSON lines, or -"
        ) from None


def lines_of(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each line that is not blank; of one longer than MAX_LINE its beginning."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            yield number, line
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
        elif line.strip():
            yield number, line


def facts_in(line: bytes) -> dict[str, Any]:
    """Return the facts that a line holds. Raises UsageError."""
    if len(line) > MAX_LINE:
        raise UsageError("line-too-long", f"the line is longer than {MAX_LINE // 1024**2} MiB", "send less")
    try:
        facts = json.loads(line, parse_constant=_refuse)
    except RecursionError:
        raise UsageError("bad-json", "the JSON nests too deep", "facts have a few levels") from None
    except ValueError as error:
        place = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg.lower() if isinstance(error, json.JSONDecodeError) else str(error)[:100]
        raise UsageError("bad-json", f"the line is not JSON{place}: {reason}", "one object a line") from None
    if not isinstance(facts, dict):
        raise UsageError("bad-facts", "the line is no JSON object", "write facts as `mlxk-rules probe` prints them")
    return facts


def _refuse(name: str) -> None:
    raise ValueError(f"`{name}` is not JSON")
