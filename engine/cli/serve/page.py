"""The page at `/`: one file without a build step, which asks this server and nobody else."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def page() -> str:
    """Return the page as HTML."""
    return Path(__file__).with_name("page.html").read_text("utf-8")
