"""What a backend is asked to do: a prompt, the files that go with it, and the limits; checked before any load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ..problems import LoaderError

MAX_TOKENS = 256  # of an answer in text, where nobody says
MAX_PIXELS = 178_956_970  # twice what Pillow warns of, and its own limit for a bomb
MIN_RATE, MAX_RATE = 4_000, 384_000  # samples a second, from a telephone's to a studio's
MAX_SECONDS = 6 * 3600


class Message(NamedTuple):
    """What was said before the prompt: role is system, user or assistant; images: how many went with it."""

    role: str
    text: str
    images: int = 0


class Generated(NamedTuple):
    """A piece of an answer, and what the backend tells of the whole so far; None where it does not.

    reason: `stop` where the model ended it, `length` where its limit did. Speeds are in tokens a second.
    """

    text: str
    reason: str | None = None
    prompt_tokens: int | None = None
    prompt_speed: float | None = None
    answer_tokens: int | None = None
    answer_speed: float | None = None
    peak_bytes: int | None = None

    @classmethod
    def of(cls, response: Any) -> Generated:
        """The piece in a response of mlx-lm or mlx-vlm, which tell the same."""
        return cls(
            response.text,
            response.finish_reason,
            response.prompt_tokens,
            response.prompt_tps,
            response.generation_tokens,
            response.generation_tps,
            round(response.peak_memory * 1e9),
        )


class Remembered:
    """What a model's cache holds of a talk: the tokens, and the cache as the backend has it. A talk has one."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.cache: Any = None


@dataclass(frozen=True, slots=True)
class Request:
    """One generation.

    `images` and `audio` are absolute paths of files that can be read; `max_tokens` is None where the caller set no
    limit; `temperature` 0 is greedy; `top_p` 1 takes all tokens; `seed` None leaves chance as it is; `stop` are texts
    before which the answer ends; `context_tokens` is the most that prompt and answer may have; `before` is what was
    said before; `language` is that of a recording; `remembered` is a talk's, None for a single answer.
    """

    prompt: str
    images: tuple[Path, ...] = ()
    audio: tuple[Path, ...] = ()
    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    context_tokens: int | None = None
    before: tuple[Message, ...] = ()
    language: str | None = None
    remembered: Remembered | None = None


def refuse_long_prompt(tokens: int, context_tokens: int) -> None:
    """Raise LoaderError context_full where a prompt leaves no room for an answer."""
    if tokens >= context_tokens:
        message = f"the prompt has {tokens:,} tokens, and {context_tokens:,} are allowed for prompt and answer"
        raise LoaderError("context_full", message, "send less, or allow more with --context")


def checked_request(
    prompt: str,
    images: Sequence[Path | str],
    audio: Sequence[Path | str],
    max_tokens: int | None,
    temperature: float,
    **more: Any,
) -> Request:
    """A Request whose files were seen and whose numbers make sense; `more` are its other fields.

    Raises LoaderError: media_not_found, media_unreadable (a folder, empty, no permission), media_too_large,
    bad_argument.
    """
    try:
        prompt.encode("utf-8")
    except UnicodeEncodeError:
        raise LoaderError("bad_argument", "the prompt is not UTF-8 text", "write it in UTF-8") from None
    # bool is an int in Python, and neither True tokens nor a temperature of True is meant by anybody.
    for name, count in (("max_tokens", max_tokens), ("context_tokens", more.get("context_tokens"))):
        if count is not None and (isinstance(count, bool) or count < 1):
            raise LoaderError("bad_argument", f"{name} must be 1 or more, not `{count}`")
    if isinstance(temperature, bool) or not math.isfinite(temperature) or temperature < 0:
        raise LoaderError("bad_argument", f"temperature must be 0 or more, not `{temperature}`")
    top_p = more.get("top_p", 1.0)
    if isinstance(top_p, bool) or not 0 < top_p <= 1:
        raise LoaderError("bad_argument", f"top_p must be above 0 and at most 1, not `{top_p}`")
    seed = more.get("seed")
    if seed is not None and (isinstance(seed, bool) or not 0 <= seed < 2**32):
        raise LoaderError("bad_argument", f"seed must be a whole number of 0 to {2**32 - 1}, not `{seed}`")
    if "" in more.get("stop", ()):
        raise LoaderError("bad_argument", "an empty text cannot stop an answer")
    return Request(
        prompt=prompt,
        images=tuple(_media(Path(file), "image") for file in images),
        audio=tuple(_media(Path(file), "audio") for file in audio),
        max_tokens=max_tokens,
        temperature=float(temperature),
        **more,
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
    if reason := (_oversized_image if kind == "image" else _oversized_recording)(file):
        raise LoaderError("media_too_large", f"{kind} file `{file}` has {reason}", "send a smaller one")
    return file.absolute()


def _oversized_image(file: Path) -> str | None:
    """Why an image is not decoded, as a phrase; None of one that Pillow does not know, which a backend will say."""
    import warnings

    try:
        from PIL import Image

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                width, height = image.size
    except Exception as error:
        return str(error) if "decompression bomb" in str(error) else None
    if width * height > MAX_PIXELS:
        return f"{width} x {height} pixels, and at most {MAX_PIXELS} are decoded"
    return None


def _oversized_recording(file: Path) -> str | None:
    """Why a recording is not decoded, as a phrase; None of one that miniaudio does not know, which a backend will say.

    All backends bring a recording to 16,000 samples a second: one with a sample a second becomes 16,000 times as much.
    """
    try:
        miniaudio: Any = import_module("miniaudio")
        info = miniaudio.get_file_info(str(file))
    except Exception:
        return None
    if not MIN_RATE <= info.sample_rate <= MAX_RATE:
        return f"{info.sample_rate} samples a second, and {MIN_RATE} to {MAX_RATE} are taken"
    if info.duration > MAX_SECONDS:
        return f"{info.duration:.0f} seconds, and at most {MAX_SECONDS} are taken"
    return None
