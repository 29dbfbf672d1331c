"""mlxk-rules decide."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ...facts.json_lines import blocks_of, is_waiting, opened
from ..decide_lines import LineDecider
from ..exit_codes import YES
from ..parallel import Workers
from .common import policy_of

if TYPE_CHECKING:
    from typing import Any

# So many bytes at once are worth other processes. The lines of someone who waits for each answer never are.
_BULK = 128 << 10


def run(options: dict[str, Any]) -> int:
    """Print a decision for each line of facts. Returns 2 if a line held no facts, else 1 if one was blocked, else 0."""
    decider = LineDecider(policy_of(options), bool(options["--trace"]))
    code = YES

    def write(results: Iterable[tuple[bytes, int]]) -> None:
        nonlocal code
        for lines, its_code in results:
            code = max(code, its_code)
            sys.stdout.buffer.write(lines)
            sys.stdout.buffer.flush()

    with ExitStack() as stack:
        file = opened(options["FILE"], stack)
        workers = stack.enter_context(Workers(decider.lines))
        for number, block in blocks_of(file):
            if workers.busy or len(block) >= _BULK:
                write(workers.results(block, number))
            elif block:
                write([decider.lines(block, number)])
            if not is_waiting(file):
                write(workers.until(file))
        write(workers.rest())
    return code
