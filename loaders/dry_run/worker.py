"""The parent's side of a dry run: a child process a backend, asked one folder after another, ended in time."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from . import kept_answers, outcome
from .question import Question

SECONDS = 60.0
_PREFIX = "mlxk-rules-dry-run-"
_STALE_SECONDS = 3600


class Worker:
    """A child for one backend, started at the first question and again after it died. Not for two threads at once."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self._process: subprocess.Popen[bytes] | None = None
        self._place = ""
        self._deadline = 0.0

    def ask(self, job: dict[str, Any]) -> None:
        """Sends a job; `answer` waits for what comes of it."""
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._start()
        process = self._process
        assert process is not None and process.stdin is not None
        self._deadline = time.monotonic() + SECONDS
        with suppress(OSError):  # it died at once: `answer` tells so
            process.stdin.write(json.dumps(job | {"backend": self.backend}).encode() + b"\n")
            process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The facts that the backend's child told of the job; not_done where it died or took too long."""
        process = self._process
        assert process is not None and process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self.end()
                return outcome.not_done(self.backend, f"it took longer than {SECONDS:.0f} seconds")
            chunk = os.read(process.stdout.fileno(), 1 << 20)
            if not chunk:
                self.end()
                return outcome.not_done(
                    self.backend, "it took more memory than a dry run may have, or its process was ended"
                )
            line += chunk
        return json.loads(line)

    def end(self) -> None:
        """Ends the child, with whatever it started, and removes what it laid."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    cast("Any", stream).close()
            process.wait()
        if self._place:
            shutil.rmtree(self._place, ignore_errors=True)
            self._place = ""

    def _start(self) -> None:
        _sweep()
        self._place = tempfile.mkdtemp(prefix=_PREFIX)
        # -P: the folder in which the person stands is no place to import from; it may be the model's.
        command = [sys.executable, "-P", "-m", f"{__package__}.child", self._place]
        environment = os.environ | {"MLX_DISABLE_COMPILE": "1", "PYTHONIOENCODING": "utf-8"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's to act on
        )


class Workers:
    """A child for each backend, which goes on from one folder to the next: it imports its library once."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends the children; who is asked again starts again."""
        for worker in self._workers.values():
            worker.end()

    def ask(self, asked: Sequence[Question]) -> dict[str, dict[str, Any]]:
        """What each backend says, all of them beside one another; it is kept. Of a backend there is one question."""
        for one in asked:
            self._workers.setdefault(one.backend, Worker(one.backend)).ask(
                {
                    "folder": one.folder,
                    "image_size": one.image_size,
                    "audio": one.audio,
                    "accelerator": one.accelerator,
                    "ranks": one.ranks,
                }
            )
        found = {one.backend: self._workers[one.backend].answer() for one in asked}
        for one in asked:
            kept_answers.keep(one, found[one.backend])
        return found


def _sweep() -> None:
    """Removes what was left where parent and child were killed at once: our own folders, older than an hour."""
    root = tempfile.gettempdir()
    now = time.time()
    with suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                if status.st_uid == os.getuid() and now - status.st_mtime > _STALE_SECONDS:
                    shutil.rmtree(entry.path, ignore_errors=True)
