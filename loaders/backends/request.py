"""What a backend is asked to do: a prompt, the files that go with it, and the limits; checked before any load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..problems import LoaderError


@dataclass(frozen=True, slots=True)
class Request:
    """One generation.

    `images` and `audio` are absolute paths of files that can be read; `max_tokens` is None where the caller set no
    limit; `temperature` 0 is greedy.
    """

    prompt: str
    images: tuple[Path, ...] = ()
    audio: tuple[Path, ...] = ()
    max_tokens: int | None = None
    temperature: float = 0.0


def checked_request(
    prompt: str, images: Sequence[Path | str], audio: Sequence[Path | str], max_tokens: int | None, temperature: float
) -> Request:
    """A Request whose files were seen and whose numbers make sense.

    Raises LoaderError: media_not_found, media_unreadable (a folder, empty, no permission), bad_argument.
    """
    # bool is an int in Python, and neither True tokens nor a temperature of True is meant by anybody.
    if max_tokens is not None and (isinstance(max_tokens, bool) or max_tokens < 1):
        raise LoaderError("bad_argument", f"max_tokens must be 1 or more, not `{max_tokens}`")
    if isinstance(temperature, bool) or not math.isfinite(temperature) or temperature < 0:
        raise LoaderError("bad_argument", f"temperature must be 0 or more, not `{temperature}`")
    return Request(
        prompt=prompt,
        images=tuple(_media(Path(file), "image") for file in images),
        audio=tuple(_media(Path(file), "audio") for file in audio),
        max_tokens=max_tokens,
        temperature=float(temperature),
    )


def _media(file: Path, kind: str) -> Path:
    try:
        if not file.exists():
            raise LoaderError("media_not_found", f"no such {kind} file `{file}`")
        if not file.is_file():
            raise LoaderError("media_unreadable", f"{kind} `{file}` is not a file")
        with file.open("rb") as stream:
            if not stream.read(1):
                raise LoaderError("media_unreadable", f"{kind} file `{file}` is empty")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LoaderError("media_unreadable", f"cannot read {kind} file `{file}`: {reason}") from error
    return file.absolute()
