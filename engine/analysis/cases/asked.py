"""All that is asked of one fact: which texts, numbers, versions and patterns the conditions tell apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .text_kinds import Question

MAX_GROUPS = 8  # groups of parts of one text, all of whose combinations are looked at


@dataclass(slots=True)
class Asked:
    """All that is asked of one fact, or of a list's elements."""

    texts: set[str] = field(default_factory=set[str])
    lowered: set[str] = field(default_factory=set[str])
    questions: set[Question] = field(default_factory=set[Question])
    groups: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])  # whether any of these is a part of it
    numbers: set[int | float] = field(default_factory=set[int | float])
    versions: set[str] = field(default_factory=set[str])
    others: list[Any] = field(default_factory=list[Any])
    converted: bool = False  # to_number: numbers and texts stand for each other

    def equals(self, value: Any, lowered: bool) -> None:
        if isinstance(value, str):
            (self.lowered if lowered else self.texts).add(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.add(value)
        elif isinstance(value, list | dict) and value and value not in self.others:
            self.others.append(value)

    def asks(self, kind: str, text: Any, lowered: bool) -> None:
        if isinstance(text, str):
            self.questions.add(Question(kind, text, lowered))

    @property
    def patterns(self) -> bool:
        """Whether more is asked of a text than which one it is."""
        return bool(self.questions or self.lowered or self.groups)

    def take_apart(self, anyway: bool) -> None:
        """Ask of each text of the groups alone, where something else is asked that has to do with parts, too."""
        if anyway or self.questions or self.lowered or self.versions or self.converted or len(self.groups) > MAX_GROUPS:
            self.questions |= {Question("part", text) for group in self.groups for text in group}
            self.groups.clear()
