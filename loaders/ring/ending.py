"""How a rank's process ended, in words for whoever started it."""

from __future__ import annotations

import signal

from ..machines.hostfile import Host
from ..problems import LoaderError

_OF_SSH = 255  # what ssh ends with where it fails itself
_BY_SIGNAL = 128  # a shell's exit code is this and the signal's number
_NOT_FOUND = (126, 127)


def ended(name: str, host: Host, code: int | None, last_words: str, was_heard: bool) -> LoaderError:
    """The error of a rank that ended before its work did: rank_failed, host_unreachable.

    `name` is what the rank is called, `code` its process's, None where that runs on with its output closed;
    `last_words` is the last line on its standard error; `was_heard` says that it ran, and so that ssh reached it.
    """
    words = f": {last_words}" if last_words else ""
    if not host.is_local and code == _OF_SSH:
        if was_heard:
            return LoaderError("host_unreachable", f"{name} is not reached any more{words}", "see whether it is well")
        help = f"try `ssh {host.ssh} true`, which must ask nothing and end well"
        return LoaderError("host_unreachable", f"{name} cannot be reached{words}", help)
    if not host.is_local and code in _NOT_FOUND:
        help = "name that machine's Python, with mlxk-rules installed, by --python"
        return LoaderError("rank_failed", f"{name} could not be started{words}", help)
    number = _signal(host, code)
    if number:
        help = "it may have been short of memory" if number == signal.SIGKILL else None
        return LoaderError("rank_failed", f"{name} was ended by signal {number}", help)
    how = "closed its output" if code is None else f"ended with exit code {code}"
    return LoaderError("rank_failed", f"{name} {how}{words}", None)


def _signal(host: Host, code: int | None) -> int:
    if code is None:
        return 0
    if code < 0:
        return -code
    return code - _BY_SIGNAL if not host.is_local and _BY_SIGNAL < code < _OF_SSH else 0
