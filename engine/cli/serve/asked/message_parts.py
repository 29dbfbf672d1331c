"""The messages of a chat, read and bounded: what a backend is given of each, and what they carry together."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from .refusals import wrong

_MAX_PARTS = 1_000
_MAX_IMAGES = 10  # mlx-vlm's own limit
_ROLES = ("system", "developer", "user", "assistant", "tool")
_OF_A_MESSAGE = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content")


class Parts:
    """What the messages carry, as they are read: bytes of text, images, recordings, the largest image in pixels."""

    def __init__(self) -> None:
        self.bytes, self.images, self.audio = 0, 0, 0
        self.size: tuple[int, int] | None = None

    def image(self, data: bytes) -> None:
        """Take in an image's bytes."""
        self.images += 1
        size = _size_of(data)
        if size is not None and (self.size is None or size[0] * size[1] > self.size[0] * self.size[1]):
            self.size = size


def message_of(message: Any, place: str, parts: Parts) -> dict[str, Any]:
    """Return what a backend is given of a message, whose parts `parts` takes in. Raises Refusal that names `place`."""
    if not isinstance(message, dict):
        wrong(place, "an object is wanted")
    if message.get("role") not in _ROLES:
        wrong(f"{place}.role", f"one of {', '.join(_ROLES)} is wanted")
    kept = {name: message[name] for name in _OF_A_MESSAGE if message.get(name) is not None}
    if kept["role"] == "developer":  # the templates of open models know it as system
        kept["role"] = "system"
    for name in ("tool_calls", "name", "reasoning_content"):
        parts.bytes += len(json.dumps(kept[name])) if name in kept else 0
    content = message.get("content")
    if content is None and "tool_calls" in kept:
        return {**kept, "content": ""}
    if isinstance(content, str):
        parts.bytes += len(utf8(content, f"{place}.content"))
        return kept
    if not isinstance(content, list) or not 0 < len(content) <= _MAX_PARTS:
        wrong(f"{place}.content", f"a text, or a list of 1 to {_MAX_PARTS} parts, is wanted")
    kept["content"] = [_part(part, f"{place}.content.{at}", parts) for at, part in enumerate(content)]
    return kept


def _part(part: Any, place: str, parts: Parts) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        parts.bytes += len(utf8(part["text"], place))
        return {"type": "text", "text": part["text"]}
    if kind == "image_url":
        url = part.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        parts.image(_data(url, place))
        if parts.images > _MAX_IMAGES:
            wrong(place, f"at most {_MAX_IMAGES} images are taken")
        return {"type": "image_url", "image_url": {"url": url}}
    if kind == "input_audio":
        audio = part.get("input_audio")
        audio = audio if isinstance(audio, dict) else {}
        data = audio.get("data")
        if not isinstance(data, str) or not _decoded(data):
            wrong(f"{place}.input_audio", "a recording in base64 is wanted")
        parts.audio += 1
        return {"type": "input_audio", "input_audio": {"data": data, "format": str(audio.get("format") or "wav")[:10]}}
    return wrong(place, "a part of the type text, image_url or input_audio, with what it needs, is wanted")


def _data(url: Any, place: str) -> bytes:
    """Return the bytes of a data: URL. Any other address is refused: a backend would fetch it."""
    if not isinstance(url, str) or not url.startswith("data:image/"):
        wrong(
            place,
            "an image stands in the request itself, as data:image/png;base64,...; no address is opened",
            "image_address",
        )
    head, comma, data = url.partition(",")
    found = _decoded(data) if comma and head.endswith(";base64") and len(head) < 100 else None
    if not found:
        wrong(place, "the image is not base64")
    return found


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return None


def _size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an image in pixels, from its header alone; None where Pillow is not here or lost."""
    try:
        from PIL import Image

        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except Exception:  # the policy then reckons with its own size, and the backend says what is wrong with the file
        return None


def utf8(text: str, place: str) -> bytes:
    """Return a text's bytes. Raises Refusal, which names `place`."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        wrong(place, "the text is not UTF-8: it has half of a surrogate pair")
