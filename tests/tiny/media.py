"""A picture and a recording, as small as they come."""

from __future__ import annotations

import math
import struct
import wave
import zlib
from pathlib import Path


def png(path: Path, width: int = 56, height: int = 56, colour: tuple[int, int, int] = (200, 60, 40)) -> Path:
    """A PNG of one colour; width and height in pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def wav(path: Path, seconds: float = 1.0, hertz: float = 440.0, rate: int = 16000) -> Path:
    """A sine tone, mono, 16 bit."""
    samples = (int(12000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path
