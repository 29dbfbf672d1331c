"""A folder to what the installed backends themselves say of it: whether they take it, and what it needs.

Each backend loads the folder's shape in a child process, without weights: its own model class, names and shapes, then
its tokenizer and template with one message. What comes in is a folder and a request; what goes out are the facts below
`dry_run`. In reading order: question (who is asked what), kept_answers (what was answered before), worker (the
child, seen from here), child, guard and shape (what it may do, on what), rehearsals/ (what it does), sizes/ (what a
model takes), outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .kept_answers import kept_facts, last_kept
from .question import Question, of_ranks, questions

if TYPE_CHECKING:
    from typing import Any

    from .worker import Workers

__all__ = ["Question", "Workers", "kept_facts", "last_kept", "of_ranks", "questions"]


def __getattr__(name: str) -> Any:
    if name == "Workers":  # only who asks anew pays for it
        from .worker import Workers

        return Workers
    raise AttributeError(name)
