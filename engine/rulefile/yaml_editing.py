"""Changes of a YAML text at the places of its values: all else, comments and layout, stays character for character."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from ..problems import PolicyError
from .source import source_of
from .yaml_tree import Node, compose

ACCEPTED = "analysis: ok"  # a comment that speaks of one entry, and goes with it


class Edits:
    """Collects changes of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._changes: list[tuple[int, int, str]] = []

    def result(self) -> str:
        """Return the text with all changes made; what is put in at one place stands in the order in which it came."""
        parts: list[str] = []
        done = 0
        for start, end, new in sorted(self._changes, key=lambda change: change[:2]):
            parts += [self.text[done:start], new]
            done = max(done, end)
        return "".join([*parts, self.text[done:]])

    def replace(self, node: Node, word: str) -> None:
        """Put another word where a scalar stands, in quotes if it stood in quotes."""
        quote = self.text[node.start : node.start + 1]
        self._changes.append((node.start, node.end, f"{quote}{word}{quote}" if quote in ("'", '"') else scalar(word)))

    def entries(self, node: Node, add: Iterable[str], remove: Collection[str]) -> None:
        """Add words to a list of words, each before the first that is greater, and take others out."""
        if self.text[node.start] == "[":
            self._in_brackets(node, add, remove)
            return
        for word in add:
            position = sum(1 for entry in node.elements if entry.value < word)
            beside = node.elements[min(position, len(node.elements) - 1)]
            start, end = self._line(beside)
            line = f"{self.text[start : beside.start]}{scalar(word)}\n"
            if position < len(node.elements):
                at = self._above(start)
                self._changes.append((at, at, line))
            else:
                self._changes.append((end, end, line if self.text[end - 1] == "\n" else f"\n{line[:-1]}"))
        for entry in node.elements:
            if entry.value in remove:
                start, end = self._line(entry)
                self._changes.append((self._above(start, ACCEPTED), end, ""))

    def _in_brackets(self, node: Node, add: Iterable[str], remove: Collection[str]) -> None:
        entries = node.elements
        kept = [entry for entry in entries if entry.value not in remove]
        if not kept:
            self._changes.append((node.start, node.end, f"[{', '.join(map(scalar, add))}]"))
            return
        for number, entry in enumerate(entries):
            if entry.value in remove:
                last = number == len(entries) - 1
                start = entries[number - 1].end if last and number else entry.start
                self._changes.append((start, entry.end if last else entries[number + 1].start, ""))
        for word in add:
            greater = next((entry for entry in kept if entry.value > word), None)
            if greater is not None:
                self._changes.append((greater.start, greater.start, f"{scalar(word)}, "))
            else:
                self._changes.append((kept[-1].end, kept[-1].end, f", {scalar(word)}"))

    def first_key(self, node: Node, key: str, words: Iterable[str]) -> None:
        """Put a key with a list of words before all others of a mapping."""
        if self.text[node.start] == "{":
            items = f"{key}: [{', '.join(map(json.dumps, words))}]"
            self._changes.append((node.start + 1, node.start + 1, f"{items}, " if node.items else items))
            return
        (first, value), *_ = node.items
        start, _ = self._line(first)
        indent = self.text[start : first.start]
        inner = f"{indent}  - "
        if value.elements and self.text[value.start] == "-":
            inside, _ = self._line(value.elements[0])
            inner = self.text[inside : value.elements[0].start]
        lines = "".join(f"{inner}{scalar(word)}\n" for word in words)
        self._changes.append((start, start, f"{indent}{key}:\n{lines}"))

    def _line(self, node: Node) -> tuple[int, int]:
        """Return where the lines of a value begin and end."""
        end = self.text.find("\n", node.end)
        return self.text.rfind("\n", 0, node.start) + 1, len(self.text) if end < 0 else end + 1

    def _above(self, start: int, holding: str = "") -> int:
        """Return where the comment lines begin that stand directly above a line; those that hold a text."""
        while start:
            before = self.text.rfind("\n", 0, start - 1) + 1
            line = self.text[before:start].strip()
            if not line.startswith("#") or holding not in line:
                break
            start = before
        return start


def scalar(word: str) -> str:
    """Return a word as YAML, quoted where it would else be read as something else."""
    try:
        read = compose(source_of(f"- {word}\n- [{word}]\n", ""))
        plain = read.plain() == [word, [word]] and read.elements[0].kind == "string"
    except PolicyError:
        plain = False
    return word if plain else json.dumps(word, ensure_ascii=False)
