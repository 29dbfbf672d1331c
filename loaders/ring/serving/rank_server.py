"""A rank that serves: mlx_lm.server's own loop with the ring's group, its share loaded strictly.

Rank 0 has the HTTP server, at a socket that only this user reaches; the others do what it hands them through the ring.
It says `loaded`, then `wake` at each request that comes while nothing is answered.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ...backends.remote_code import no_remote_code
from ...backends.running import Session
from ...backends.surroundings import quiet_and_offline
from ...serving.answering_thread import end_with_it
from ...serving.client_left import stop_when_left
from ...serving.listening import laid_at, listen_at
from ...serving.sampling_bounds import keep_to_the_vocabulary
from ..sharded import Split, loads_seen, refuse_missing
from .outside import Outside
from .same_on_all import same_on_all, wake_together

SOCKET = "socket"
_bound: list[Path] = []


class Share(NamedTuple):
    """What a rank serves.

    session: makes the session that loads, given what opens the pinned folder. split: how the model is shared. door: the
    socket that rank 0 listens at, None of the others.
    """

    session: Callable[[Callable[[Path], Any]], Session]
    split: Split | None
    door: socket.socket | None


def listening_in(folder: Path) -> socket.socket:
    """A socket in a folder that only this user may enter. Raises LoaderError unwritable_folder."""
    path = folder / SOCKET
    listening = laid_at(path)
    _bound.append(path)
    return listening


def no_longer_listening() -> None:
    """Take away what `listening_in` laid."""
    while _bound:
        with suppress(OSError):
            _bound.pop().unlink()


def serve(share: Share, outside: Outside, parallel: int, kept_tokens: int) -> NoReturn:
    """Load, then answer until the process ends.

    parallel: how many answers are made at once. kept_tokens: how many tokens of prompts are kept, at most.
    """
    server: Any = import_module("mlx_lm.server")
    load, load_default = server.ModelProvider.load, server.ModelProvider.load_default
    sessions: list[Session] = []  # the pinned folder goes with it

    def load_share(provider: Any) -> None:
        def opens(folder: Path) -> Any:
            provider._model_map["default_model"] = str(folder)
            with loads_seen() as seen:
                load_default(provider)
            refuse_missing(provider.model, *seen[-1])
            return provider.model

        sessions.append(share.session(opens))
        folder = sessions[0].load()
        told = {"folder": str(folder.path), "socket": str(_bound[0])} if share.door is not None else None
        outside.say("loaded", told)

    def load_no_other(provider: Any, *_: object) -> Any:
        # A request names rank 0's folder, which has another path on each rank.
        return load(provider, "default_model", None, "default_model")

    def run_http_server(host: str, port: int, generator: Any) -> None:
        def handler(*args: Any, **options: Any) -> Any:
            return server.APIHandler(generator, *args, **options)

        ThreadingHTTPServer(("backend", 0), handler).serve_forever()

    server.ModelProvider.load, server.ModelProvider.load_default = load_no_other, load_share
    end_with_it(server, outside.fail)  # no rank can do without another
    server._run_http_server = run_http_server  # mlx-lm's own looks its host's name up
    if share.door is not None:
        listen_at(share.door)
    stop_when_left(server)
    keep_to_the_vocabulary("mlx_lm")
    same_on_all(server, parallel * 2, kept_tokens)
    wake_together(server, outside)
    sys.argv = [
        "mlx_lm.server", "--log-level", "CRITICAL", "--allowed-origins", "none",
        "--decode-concurrency", str(parallel), "--prompt-concurrency", "1",
        *(["--pipeline"] if share.split == "pipeline" else []),
    ]  # fmt: skip
    with quiet_and_offline(), no_remote_code():
        server.main()
    outside.fail(RuntimeError("mlx_lm.server ended"))
