"""An exception of a backend, whatever it is, as one LoaderError of one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal, cast

from ..problems import LoaderError

Phase = Literal["load", "generate"]

_LENGTH = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_OUT_OF_MEMORY = ("[malloc", "[metal::malloc]", "unable to allocate", "insufficient memory", "out of memory")
_HEADER_LIMIT = 100_000_000


def backend_error(name: str, phase: Phase, error: BaseException, folder: Path, said: str = "") -> LoaderError:
    """`name` is the backend's, as people know it; codes: out_of_memory, took_too_long, backend_failed.

    `said` is what the folder is called in the message, where that is not its own path. A LoaderError stays what it is.
    """
    if isinstance(error, LoaderError):
        return error
    if isinstance(error, TimeoutError):
        return LoaderError("took_too_long", f"{name} did not come to an end in {phase}: {error}", None)
    summary = one_line(error).replace(str(folder), said or str(folder))
    lowered = str(error).lower()
    cut_short = "[read] unable to read" in lowered
    if (
        isinstance(error, MemoryError)
        or any(word in lowered for word in _OUT_OF_MEMORY)
        # MLX says the same of a file that is cut short and of memory that runs out in reading a whole one.
        or (cut_short and weights_are_whole(folder))
    ):
        return LoaderError(
            "out_of_memory",
            f"{name} ran out of memory in {phase}: {summary}",
            "close other programs or take a smaller model",
        )
    help = "a weight file is cut short: download it again" if cut_short else None
    return LoaderError("backend_failed", f"{name} failed in {phase}: {summary}", help)


def one_line(error: BaseException) -> str:
    """`Type: first line with words in it`, at most 300 characters, safe to print."""
    lines = map(printable, str(error).splitlines())
    text = next((line for line in lines if any(letter.isalnum() for letter in line)), "")
    whole = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return whole if len(whole) <= _LENGTH else whole[: _LENGTH - 1] + "…"


def printable(line: str) -> str:
    """One line of a stranger's text without anything that a terminal would act on, spaces folded."""
    return " ".join(_CONTROL.sub(" ", _TERMINAL_CODE.sub("", line)).split())


def weights_are_whole(folder: Path) -> bool:
    """True where every *.safetensors of the folder has the bytes that its header promises, and there is one."""
    try:
        files = sorted(folder.glob("*.safetensors"))
        return bool(files) and all(_is_whole(file) for file in files)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return False


def _is_whole(file: Path) -> bool:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(_HEADER_LIMIT, size - 8):
            return False
        header = cast("dict[str, dict[str, list[int]]]", json.loads(stream.read(length)))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return size >= 8 + length + max(ends, default=0)
