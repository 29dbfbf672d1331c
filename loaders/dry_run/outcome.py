"""What a backend said of a folder, as the facts below `dry_run`: the same keys always, null for what it did not say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


_UNTOLD = {"model_type": None, "needs_code": None, "load_bytes": None, "cache": None, "context_tokens": None}
_UNTOLD_OF_TEXT = {"prompt": None, "ignored_config": []}
_UNTOLD_OF = {
    "mlx_lm": _UNTOLD_OF_TEXT,
    "mlx_vlm": {**_UNTOLD_OF_TEXT, "left_out": [], "image_tokens": None, "image_bytes": None},
}
_REASON_LENGTH = 400
# A sentence speaks for itself; `KeyError: 'model_type'` needs the exception's name.
_SENTENCE = r"\w+[^\w']+\w+[^\w']+\w+"


def empty(backend: str, status: str, reason: str | None = None) -> dict[str, Any]:
    """The facts of a backend that said nothing else; `status` is ok, failed or not_done."""
    return {"status": status, "phase": None, "reason": reason, **_UNTOLD, **_UNTOLD_OF.get(backend, {})}


def not_done(backend: str, reason: str) -> dict[str, Any]:
    """The facts of a backend that was not asked, or could not answer for a cause that is not the folder's."""
    return empty(backend, "not_done", reason)


def reason(error: BaseException, *paths: str) -> str:
    """An exception of a library as one line of at most 400 characters, without the paths of ours."""
    from ..backends.failure import printable  # what is kept needs none of it

    text = str(error)
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(f"{path}/", "").replace(path, "the folder")
    text = " ".join(printable(line) for line in text.splitlines() if line.strip())
    text = re.sub(r"\s+", " ", text).strip()
    if not re.search(_SENTENCE, text):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= _REASON_LENGTH else f"{text[: _REASON_LENGTH - 1]}…"
