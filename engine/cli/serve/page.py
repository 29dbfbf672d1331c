"""The page at `/`: one file without a build step, which asks this server and nobody else."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from ...report.pages.page import palette


@cache
def page() -> str:
    """Return the page as HTML, in the colours and fonts of the pages that `--html` writes."""
    text = Path(__file__).with_name("page.html").read_text("utf-8")
    return text.replace("<style>\n", f"<style>\n{palette()}", 1)


@cache
def content_policy() -> str:
    """Return its Content-Security-Policy: its own style and script, this server, and nothing else."""

    def hashed(tag: str) -> str:
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page(), re.DOTALL)
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    own = f"style-src {hashed('style')}; script-src {hashed('script')}; connect-src 'self'; img-src data:"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
