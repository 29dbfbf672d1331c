"""The parent's side of a backend's server: started, waited for, asked over a private socket, ended.

The socket is one of the file system, in a folder that only this user may enter: no port is open that another program
could use. The child ends when its standard input closes, so also where this process is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..host.installed import NAMES
from ..problems import LoaderError, unwritable_folder
from .listening import laid_at

if TYPE_CHECKING:
    import httpx2

_PREFIX = "mlxk-rules-serve-"
_CONNECT_SECONDS = 10.0
_MAX_LINE = 1 << 20


class Job(NamedTuple):
    """What a child is to serve.

    backend: mlx_lm, mlx_vlm or mlx_audio. folder, fingerprint: of the model as it was probed (`facts.model`), type: its
    model type. parallel: how many answers are made at once. prompt_cache_bytes: what it may keep of prompts, in bytes.
    adapter, draft: the folders of an adapter and of a draft model that mlx-lm is to load with it, None for none; and
    their fingerprints.
    """

    backend: str
    folder: str
    fingerprint: str | None
    type: str | None
    parallel: int = 1
    prompt_cache_bytes: int = 0
    adapter: str | None = None
    adapter_fingerprint: str | None = None
    draft: str | None = None
    draft_fingerprint: str | None = None


class BackendServer:
    """A backend's server that has loaded its model. `start` makes one; `end` gives its memory back."""

    failure: LoaderError | None = None  # why it ended, where more is known than that it did
    dying_seconds = 0.5  # after which its end is known, at most

    def __init__(self, job: Job, process: asyncio.subprocess.Process, place: Path, folder: str) -> None:
        self.job, self._process, self._place = job, process, place
        self.folder = folder  # what the backend knows the model by
        self.client = client_at(place / "socket")

    @classmethod
    async def start(cls, job: Job, seconds: float) -> BackendServer:
        """Start a child and wait until it has loaded the model, at most `seconds`.

        Raises LoaderError: what the backend says of the folder, backend_failed where it died, took_too_long,
        unwritable_folder.
        """
        try:
            place = Path(tempfile.mkdtemp(prefix=_PREFIX))
        except OSError as error:
            raise unwritable_folder(error) from error
        process: asyncio.subprocess.Process | None = None
        try:
            process = await _spawned(place)
            folder = await asyncio.wait_for(_loaded(process, job), seconds)
            return cls(job, process, place, folder)
        except BaseException as error:
            await _end(process, place)
            if isinstance(error, TimeoutError):
                message = f"{NAMES[job.backend]} did not load the model within {seconds:g} seconds"
                raise LoaderError("took_too_long", message, "allow more with --load-seconds") from None
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.returncode is None

    async def died(self) -> None:
        """Return once the child has ended, whatever ended it."""
        await self._process.wait()

    async def end(self) -> None:
        """End the child and remove what it laid. Returns once its memory is free."""
        await self.client.aclose()
        await _end(self._process, self._place)


def client_at(place: Path) -> httpx2.AsyncClient:
    """An HTTP client of the server that listens at a socket of the file system."""
    import httpx2  # the child, which has its job from here, asks nobody

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    transport = httpx2.AsyncHTTPTransport(uds=str(place), limits=limits)
    # A pause between two pieces of an answer has no bound of ours: a long prompt on a slow machine takes minutes.
    timeout = httpx2.Timeout(None, connect=_CONNECT_SECONDS)
    return httpx2.AsyncClient(transport=transport, base_url="http://backend", timeout=timeout)


async def _spawned(place: Path) -> asyncio.subprocess.Process:
    with laid_at(place / "socket") as listening:
        # -P: the folder in which the person stands is no place to import from; it may be the model's.
        command = [sys.executable, "-P", "-m", f"{__package__}.child", str(place), str(listening.fileno())]
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": str(place), "PYTHONIOENCODING": "utf-8"},
            pass_fds=(listening.fileno(),),
            start_new_session=True,  # Ctrl-C is the parent's to act on
            limit=_MAX_LINE,
        )


async def _loaded(process: asyncio.subprocess.Process, job: Job) -> str:
    """Return what the backend knows the model by, once it is loaded. Raises LoaderError."""
    assert process.stdin is not None and process.stdout is not None
    with suppress(ConnectionError):  # it died at once, as its output will tell
        process.stdin.write(json.dumps(job._asdict()).encode() + b"\n")
        await process.stdin.drain()
    told = await process.stdout.readline()
    if not told:
        code = await process.wait()
        ended = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        message = f"{NAMES[job.backend]} ended {ended} while it loaded the model"
        raise LoaderError("backend_failed", message, "it may have been short of memory; mlxk-rules run shows more")
    answer = json.loads(told)
    if error := answer.get("error"):
        raise LoaderError(error["code"], error["message"], error["help"])
    return answer["folder"]


async def _end(process: asyncio.subprocess.Process | None, place: Path) -> None:
    if process is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # nobody waits for it, and nothing else gives all memory back
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
    shutil.rmtree(place, ignore_errors=True)
