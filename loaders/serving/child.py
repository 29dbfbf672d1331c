"""The child process that is a backend's server: the folder pinned, no code of it run, no connection opened.

Its arguments are a folder of its own and the descriptor of the socket to listen at; the job is the first line of
standard input, and it ends when that closes. One line on standard output says that the model is loaded, or why it is
not.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from ..backends.failure import backend_error
from ..backends.pinned_folder import pinned
from ..backends.remote_code import no_remote_code, refusal, refuse_model_file
from ..backends.surroundings import end_process, own_output, quiet_and_offline, silence
from ..facts.folder import is_shape
from ..host.installed import NAMES
from ..problems import LoaderError
from . import companions
from .answering_thread import end_with_it
from .backend_server import Job
from .client_left import stop_when_left
from .listening import listen_at
from .sampling_bounds import keep_to_the_vocabulary

_LOCAL = ("--host", "127.0.0.1", "--port", "0")  # never bound: the socket is there already


def main() -> None:
    """Serves until standard input closes."""
    answers = own_output()
    silence(2)
    place, listening = Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    job = Job(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, args=(place,), daemon=True).start()
    sys.addaudithook(_refuse_connections)
    said = _Said(answers, place)
    try:
        _serve(job, listening, said)
    except BaseException as error:  # a model's module may call sys.exit
        said.failed(backend_error(NAMES[job.backend], "load", error, place))
    _end(place)


class _Said:
    """What is said once, to whoever waits for the load."""

    def __init__(self, answers: Any, place: Path) -> None:
        self._answers, self._place, self._lock = answers, place, threading.Lock()

    def loaded(self, folder: str) -> None:
        self._say({"folder": folder})

    def failed(self, error: LoaderError) -> NoReturn:
        with suppress(OSError):  # nobody hears it any more
            self._say({"error": {"code": error.code, "message": error.message, "help": error.help}})
        _end(self._place)

    def _say(self, answer: dict[str, Any]) -> None:
        with self._lock:
            if not self._answers.closed:
                self._answers.write(f"{json.dumps(answer)}\n")
                self._answers.close()


def _serve(job: Job, listening: socket.socket, said: _Said) -> None:
    listen_at(listening)
    if job.backend == "mlx_audio":
        from .speech import serve

        serve(job, said.loaded)
        return
    folder = Path(job.folder)
    with (
        quiet_and_offline(),
        pinned(folder, job.fingerprint) as held,
        no_remote_code() as refused,
        ExitStack() as stack,
    ):
        if is_shape(held.path):
            raise LoaderError("not_downloaded", f"the weights of `{folder.name}` are not here", "mlxk-rules pull MODEL")
        refuse_model_file(held.path)
        beside = companions.held(job, stack)

        def load(work: Callable[[], Any]) -> Any:
            try:
                result = work()
                for one in (held, beside.adapter, beside.draft):
                    if one is not None:
                        one.check()
            except BaseException as error:
                if refused and not isinstance(error, LoaderError):
                    error = refusal(refused)
                said.failed(backend_error(NAMES[job.backend], "load", error, held.path, str(folder)))
            said.loaded(str(held.path))
            return result

        if job.backend == "mlx_lm":
            _mlx_lm(job, str(held.path), load, beside, said)
        else:
            _mlx_vlm(job, str(held.path), load, listening)


def _mlx_lm(
    job: Job, folder: str, load: Callable[[Callable[[], Any]], Any], beside: companions.Companions, said: _Said
) -> None:
    server: Any = import_module("mlx_lm.server")
    companions.load_strictly(beside)
    load_default = server.ModelProvider.load_default
    # A load that fails ends a thread and not the process, and its first request would be told 404.

    def load_first(provider: Any) -> Any:
        def work() -> None:
            load_default(provider)
            companions.check_draft(provider)

        return load(work)

    server.ModelProvider.load_default = load_first
    # Once it ended, the next request loads the model anew.
    end_with_it(server, lambda error: said.failed(backend_error(NAMES[job.backend], "generate", error, Path(folder))))
    stop_when_left(server)
    keep_to_the_vocabulary("mlx_lm")
    parallel = str(job.parallel)
    sys.argv = [
        "mlx_lm.server", "--model", folder, *_LOCAL, "--log-level", "CRITICAL", "--allowed-origins", "none",
        "--decode-concurrency", parallel, "--prompt-concurrency", "1",
        "--prompt-cache-bytes", str(job.prompt_cache_bytes), *beside.options(),
    ]  # fmt: skip
    server.main()


def _mlx_vlm(job: Job, folder: str, load: Callable[[Callable[[], Any]], Any], listening: socket.socket) -> None:
    uvicorn: Any = import_module("uvicorn")
    run = uvicorn.run

    def run_at_the_socket(app: Any, **options: Any) -> None:
        run(app, **{**options, "fd": listening.fileno(), "log_config": None})

    uvicorn.run = run_at_the_socket
    app: Any = import_module("mlx_vlm.server.app")
    cached = app.get_cached_model
    is_loaded: list[bool] = []

    def get_cached_model(*args: Any, **options: Any) -> Any:
        if is_loaded:
            return cached(*args, **options)
        is_loaded.append(True)
        return load(lambda: cached(*args, **options))

    app.get_cached_model = get_cached_model
    keep_to_the_vocabulary("mlx_vlm")
    sys.argv = ["mlx_vlm.server", "--model", folder, *_LOCAL, "--log-level", "CRITICAL"]
    sys.argv += ["--max-num-seqs", str(job.parallel), "--vision-cache-size", "1"]
    import_module("mlx_vlm.server.cli").main()


def _refuse_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        raise PermissionError("a backend's server opens no connection")


def _end_with_parent(place: Path) -> None:
    while sys.stdin.read(1 << 16):
        pass
    _end(place)


def _end(place: Path) -> NoReturn:
    end_process(1, lambda: shutil.rmtree(place, ignore_errors=True))


if __name__ == "__main__":
    main()
