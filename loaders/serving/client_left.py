"""A client that leaves mlx_lm.server ends its answer, whenever it leaves.

mlx-lm 0.32.2 notices it only from the first piece on: of one that left before, the answer is made to its end for
nobody, and whoever cannot be answered beside it waits for that.
"""

from __future__ import annotations

import threading
from typing import Any


def stop_when_left(server: Any) -> None:
    """Let each request of the module mlx_lm.server stop what is made for it, however it ends."""
    generate, handle = server.ResponseGenerator.generate, server.APIHandler.handle_completion
    own = threading.local()  # a thread answers one request at a time

    def generate_and_note(self: Any, *args: Any, **options: Any) -> Any:
        own.made, response = generate(self, *args, **options)
        return own.made, response

    def handle_and_stop(self: Any, *args: Any) -> None:
        own.made = None
        try:
            handle(self, *args)
        finally:
            if own.made is not None:
                own.made.stop()

    server.ResponseGenerator.generate = generate_and_note
    server.APIHandler.handle_completion = handle_and_stop
