"""A folder to what the installed backends themselves say of it: whether they take it, and what it needs.

Each backend loads the folder's shape in a child process, without weights: its own model class, names and shapes, then
its tokenizer and template with one message. What comes in is a folder and a request; what goes out are the facts below
`dry_run`. In reading order: question (who is asked what), kept (what was answered before), worker (the child, seen from
here), child, guard and shape (what it may do, on what), rehearsal with mlx_lm, mlx_vlm and mlx_audio (what it does),
cache_sizes and working_memory (what a model takes), stand_ins, media and outcome (what these use).
"""

from __future__ import annotations

from .question import Asked, Question, kept_facts, questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["Asked", "Question", "kept_facts", "questions", "rehearsed"]


def rehearsed(asked: Sequence[Question], waiting: Callable[[], object] | None = None) -> dict[str, dict[str, Any]]:
    """The facts of each backend that is asked, all of them beside one another; `waiting` is called before they start.

    What they said is kept for the folder as it is.
    """
    from . import worker

    if asked and waiting is not None:
        waiting()
    return worker.ask_all(asked)
