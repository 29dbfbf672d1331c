"""What must hold around a backend while it works: no network, nothing on stdout, no progress bars, limits kept.

stdout is for results and a model folder must never cause a download, so both are arranged from outside rather than by
trusting each backend's options.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, NoReturn, TextIO

try:  # not on Windows
    import resource
except ImportError:  # pragma: no cover
    resource = None

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    # mlx-lm would import modelscope in place of huggingface_hub, whose offline switch is another.
    "MLXLM_USE_MODELSCOPE": "False",
}


def own_output() -> TextIO:
    """Return standard output for this process's own words; what libraries print there, from C too, goes nowhere."""
    words = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence(1)
    return words


def silence(descriptor: int) -> None:
    """Whatever is written to this descriptor of the process from here on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


_ENDING = threading.Lock()


def end_process(code: int, tidy: Callable[[], object]) -> NoReturn:
    """Tidy up and end this process. Of two threads that do so at once one does all of it: none leaves half."""
    _ENDING.acquire()  # never released
    tidy()
    os._exit(code)


class _Nowhere(io.TextIOBase):
    """A stdout that keeps nothing; a StringIO would grow with a chatty backend."""

    def write(self, text: str, /) -> int:
        return len(text)


@contextmanager
def quiet_and_offline() -> Generator[None, None, None]:
    """Everything inside runs offline and silent; the process is afterwards as it was. Not for two threads at once."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    logging_before = logging.root.manager.disable
    os.environ.update(_ENVIRONMENT)
    logging.disable(logging.CRITICAL)
    offline_before = _hub_offline(True)
    try:
        with warnings.catch_warnings(), redirect_stdout(_Nowhere()), _open_files_kept():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging_before)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if offline_before is None:  # imported in between, under our environment
            offline_before = any((before[name] or "").upper() in {"1", "ON", "YES", "TRUE"} for name in _OFFLINE_NAMES)
        _hub_offline(offline_before)


def _leave_limits(*_: object) -> None:
    """In place of resource.setrlimit."""


@contextmanager
def _open_files_kept() -> Generator[None, None, None]:
    """Importing mlx_lm sets the limits of open files to 2048 and 4096, also where they were higher or may not be so.

    A hard limit once lowered stays low, so the call is kept from happening; the 2048 that a model of many shards needs
    is given for the time inside, as far as the hard limit allows.
    """
    if resource is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    set_limit = resource.setrlimit
    wanted = 2048 if hard == resource.RLIM_INFINITY else min(2048, hard)
    with suppress(OSError, ValueError):
        if soft != resource.RLIM_INFINITY and soft < wanted:
            set_limit(resource.RLIMIT_NOFILE, (wanted, hard))
    resource.setrlimit = _leave_limits
    try:
        yield
    finally:
        resource.setrlimit = set_limit
        with suppress(OSError, ValueError):
            set_limit(resource.RLIMIT_NOFILE, (soft, hard))


_OFFLINE_NAMES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def _hub_offline(value: bool) -> bool | None:
    """Sets huggingface_hub's switch (it reads the environment once, at import); the old value, None if not loaded."""
    constants: Any = sys.modules.get("huggingface_hub.constants")
    if constants is None:
        return None
    before = bool(constants.HF_HUB_OFFLINE)
    constants.HF_HUB_OFFLINE = value
    return before
