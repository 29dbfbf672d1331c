"""Bounded reading of one file of a folder that nobody vouches for, and what a path is from the root on.

Paths are text here and in all that a kept answer goes through: pathlib costs a start 2 ms.
"""

from __future__ import annotations

import errno
import os
import stat


def read(path: str | os.PathLike[str], max_bytes: int, cut: bool = False) -> bytes:
    """The bytes of a regular file; with `cut`, no more than its first `max_bytes`.

    Raises FileNotFoundError, or another OSError whose `strerror` says why it is not read: not a regular file, no
    permission, larger than `max_bytes`.
    """
    descriptor = opened(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if status.st_size > max_bytes and not cut:
            raise _too_large(status.st_size, max_bytes)
        chunks: list[bytes] = []
        most, got = max_bytes + (not cut), 0
        # In one piece what the file says it has, which need not be put together; then whatever it did not say.
        while got < most and (chunk := file.read(min(most - got, max(status.st_size - got, 0) + 4096))):
            chunks.append(chunk)
            got += len(chunk)
    content = b"".join(chunks)
    if len(content) > max_bytes:  # it grew while being read, or told no size, as files in /proc do
        raise _too_large(len(content), max_bytes)
    return content


def opened(path: str | os.PathLike[str]) -> int:
    """A descriptor of a regular file, to be read. Raises OSError as `read` does."""
    # Asked before opening, since opening a device can act on it; and non-blocking with a second look, since what lies
    # there may have been swapped for a FIFO in between.
    _refuse_irregular(os.stat(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _refuse_irregular(os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def absolute(path: str) -> str:
    """A path from the root on. Links are kept as written, unless `..` behind one would mean another folder."""
    return os.path.realpath(path) if ".." in path.split("/") else os.path.abspath(path)


def reason(error: OSError) -> str:
    """Why a file could not be read, as a phrase in lower case: of a permission, who has not got it."""
    text = (error.strerror or type(error).__name__).lower()
    return f"{text} to the user `{_user()}`" if isinstance(error, PermissionError) else text


def why_unreadable(path: str | os.PathLike[str]) -> str | None:
    """Why the file at `path` cannot be read here, as a phrase; None where it can be, or is not there."""
    try:
        read(path, 1, cut=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return reason(error) if isinstance(error, OSError) else str(error)
    return None


def _user() -> str:
    import pwd  # of use only where something is wrong

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _refuse_irregular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


def _too_large(size: int, max_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"{size} bytes or more, and at most {max_bytes} are read")
