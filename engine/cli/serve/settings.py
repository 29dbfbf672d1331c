"""What the command line says of a server, read once; bounds that nobody need change stand here too."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

from ...facts.vocabulary import vocabulary
from ...problems import UsageError, did_you_mean
from ..commands.common import number_of

LOCAL = ("127.0.0.1", "::1", "localhost")
MAX_BODY = 32 << 20  # bytes of a request: ten pictures as a telephone takes them
MAX_OPEN = 512  # requests at once; one more is told to come again
BODY_SECONDS = 30.0  # a body that comes slower than that is given up
DEFAULT_TOKENS = 512  # of an answer, where the request says no number
RETRY_SECONDS = 5  # what a client is told to wait where no memory is free now
_MAX_KEY = 4096
_MAX_MASK = 1 << 20


class Settings(NamedTuple):
    """A server's settings.

    models: what MODEL words named. only: none of the cache. key: the API key, or None. pinned: names that stay loaded.
    idle_seconds: after which an unused model goes, None for never. parallel: answers at once a model, at most.
    load_seconds: how long a load may take. log: the decision log's file, or None; log_prompts: with what was asked.
    masked: facts that are not told in it. adapters: folders of those that may be asked for.
    """

    host: str
    port: int
    models: tuple[str, ...] = ()
    only: bool = False
    key: bytes | None = None
    pinned: tuple[str, ...] = ()
    idle_seconds: float | None = None
    parallel: int = 4
    load_seconds: float = 300.0
    log: Path | None = None
    log_prompts: bool = False
    masked: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOCAL


def settings_of(options: dict[str, Any]) -> Settings:
    """Return the settings that docopt's options describe. Raises UsageError."""
    port = number_of(options, "--port", int)
    if port > 65535:
        raise UsageError(
            "bad-value", f"`--port` is `{port}`, 0 to 65535 is wanted", "write --port 8642, or 0 for a free one"
        )
    idle = options["--idle"]
    only = bool(options["--only"])
    if only and not options["MODEL"]:
        raise UsageError("usage", "`--only` leaves nothing to be asked for", "name a MODEL, or leave --only out")
    found = Settings(
        host=options["--host"],
        port=port,
        models=tuple(options["MODEL"]),
        only=only,
        key=_key(options["--api-key-file"]),
        pinned=tuple(options["--pin"]),
        idle_seconds=None if idle is None else number_of(options, "--idle", float, least=1),
        parallel=number_of(options, "--parallel", int, least=1),
        load_seconds=number_of(options, "--load-seconds", float, least=1),
        log=None if options["--log"] is None else Path(options["--log"]),
        log_prompts=bool(options["--log-prompts"]),
        masked=_masked(options["--log-mask"]),
        adapters=tuple(options["--adapter"]),
    )
    if not found.is_local and found.key is None:
        message = f"`--host {found.host[:60]}` lets other machines in, and there is no key"
        raise UsageError("open-door", message, "write a long random text into a file, and name it by --api-key-file")
    return found


def _masked(file: str | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        with open(file, encoding="utf-8") as opened:
            lines = opened.read(_MAX_MASK).split("\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        message = f"cannot read the names of facts in `{file}`: {reason}"
        raise UsageError("unreadable-file", message, "name a file with a fact's name a line") from None
    names = tuple(name for line in lines if (name := line.partition("#")[0].strip()))
    for name in names:
        known = vocabulary().facts
        if name not in known:  # a name that is misspelt would mask nothing
            help = did_you_mean(name, known) or "rules/facts.yaml lists them"
            raise UsageError("unknown-fact", f"`{name[:80]}` in `{file}` is no fact", help)
    return names


def _key(file: str | None) -> bytes | None:
    if file is None:
        return None
    try:
        with open(file, "rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            key = opened.read(_MAX_KEY + 1).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            "bad-key-file", f"cannot read the key in `{file}`: {reason}", "name a file that holds it"
        ) from None
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        raise UsageError("bad-key-file", f"others may read the key in `{file}`", f"chmod 600 {file}")
    if len(key) < 16 or len(key) > _MAX_KEY or not all(33 <= byte < 127 for byte in key):
        message = f"the key in `{file}` is no text of 16 to {_MAX_KEY} printable characters without spaces"
        raise UsageError("bad-key-file", message, "write a long random text into it")
    return key
