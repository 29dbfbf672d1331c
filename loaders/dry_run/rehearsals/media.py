"""The one small picture and the one second of sound that a dry run puts through a processor."""

from __future__ import annotations

import math
import struct
import wave
from importlib import import_module
from pathlib import Path
from typing import Any

_RATE = 16_000


def lay(place: Path, image_size: tuple[int, int] | None, audio: bool) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Writes a picture of width and height in pixels, and a recording, where they are wanted; returns their paths."""
    images, recordings = place / "picture.png", place / "sound.wav"
    if image_size is not None:
        pillow: Any = import_module("PIL.Image")  # what both libraries read pictures with
        pillow.effect_noise(tuple(image_size), 64).convert("RGB").save(images, compress_level=0)
    if audio:
        tone = (int(8_000 * math.sin(2 * math.pi * 440 * number / _RATE)) for number in range(_RATE))
        with wave.open(str(recordings), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            file.writeframes(struct.pack(f"<{_RATE}h", *tone))
    return (images,) if image_size is not None else (), (recordings,) if audio else ()
