"""A change made on a model folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Change = Callable[[Path], object]
# What lies in place of a large file where git fetched no content.
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456789\n"


class DoesNotApply(Exception):
    """The folder has nothing that this change could change."""
