"""What a backend answered before, and whether that is still true.

An answer is kept for the folder as it is (each file's inode, size and times, as of kept facts) and for everything that
is installed beside the backend: another mlx-lm, mlx or transformers is asked again. Kept is what a backend said, not
that it could not say anything.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...engine.storage import cache_folder

if TYPE_CHECKING:
    from typing import Any

    from .question import Question

FOLDER = "dry_runs"
_MAX_FILES = 4_096


def kept_facts(question: Question) -> dict[str, Any] | None:
    """What the backend said of the folder as it is now, where that was kept."""
    record = cache_folder.read(_file_name(question), dict)
    if record is None or record.get("of") != question.of or record.get("marks") != question.marks:
        return None
    facts = record.get("facts")
    return facts if record.get("path") == question.folder and isinstance(facts, dict) else None


def keep(question: Question, facts: dict[str, Any]) -> None:
    """Keeps what the backend said of a folder at rest."""
    if facts["status"] == "not_done" or not cache_folder.at_rest(question.changed_ns):
        return
    record = {"of": question.of, "path": question.folder, "marks": question.marks, "facts": facts}
    cache_folder.write(_file_name(question), record, keep=_MAX_FILES)


def last_kept() -> int:
    """When an answer was kept last, in nanoseconds; 0 where none was."""
    try:
        return os.stat(f"{cache_folder.folder()}/{FOLDER}").st_mtime_ns
    except OSError:
        return 0


def _file_name(question: Question) -> str:
    size = "x".join(map(str, question.image_size or ()))
    kind = f"{question.backend}-{size}{'-audio' if question.audio else ''}"
    if question.ranks:
        kind += f"ranks-{'-'.join(map(str, question.ranks))}"
    return f"{FOLDER}/{cache_folder.file_name(os.fsencode(question.folder))}-{kind}.facts"
