"""The thread of mlx_lm.server that makes all answers: who serves is told where it ends.

mlx-lm 0.32.2 goes on listening with nobody behind it, and answers for good that its thread died.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


def end_with_it(server: Any, failed: Callable[[BaseException], NoReturn]) -> None:
    """Let what breaks the answering thread of the module mlx_lm.server be given to `failed`, which ends the process."""
    generate = server.ResponseGenerator._generate

    def generate_or_end(self: Any) -> None:
        try:
            generate(self)
        except BaseException as error:
            failed(error)

    server.ResponseGenerator._generate = generate_or_end
