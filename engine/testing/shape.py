"""The shape of a case file's values: each wrong one a located problem with the nearest right word."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..problems import Problem, did_you_mean
from ..rulefile.document import Place
from ..rulefile.source import Source
from ..rulefile.value_reader import KINDS
from ..rulefile.yaml_tree import Node


class Shape:
    """Reads values of one source, and collects what is wrong with them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def place(self, node: Node) -> Place:
        """Return where a value stands: its first line."""
        end = self.source.text.find("\n", node.start, node.end)
        return Place(self.source, node.start, end if end > node.start else node.end)

    def note(self, node: Node, code: str, message: str, help: str = "") -> None:
        self.problems.append(self.place(node).problem(code, message, help))

    def mapping(self, node: Node, what: str, allowed: Collection[str], required: Collection[str]) -> dict[str, Node]:
        if node.kind != "mapping":
            self.note(node, "wrong-type", f"{what} is {KINDS[node.kind]}, a mapping is wanted", "write `key: value`")
            return {}
        for key, _ in node.items:
            if key.written not in allowed:
                help = did_you_mean(key.written, allowed) or f"the keys are {', '.join(allowed)}"
                self.note(key, "unknown-key", f"unknown key `{key.written[:60]}` in {what}", help)
        found = {key.written: value for key, value in node.items if key.written in allowed}
        for key in required:
            if key not in found:
                self.note(node, "missing-key", f"{what} has no `{key}`", f"add `{key}:`")
        return found

    def items(self, node: Node | None, what: str) -> tuple[tuple[Node, Node], ...]:
        if node is not None and node.kind != "mapping":
            self.note(node, "wrong-type", f"{what} is {KINDS[node.kind]}, a mapping is wanted", "write `key: value`")
        return node.items if node is not None else ()

    def elements(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is not None and node.kind != "sequence":
            self.note(node, "wrong-type", f"{what} is {KINDS[node.kind]}, a list is wanted", "write `- ` before each")
        return node.elements if node is not None else ()

    def text(self, node: Node | None, what: str, example: str = "") -> str:
        if node is None:
            return ""
        if node.kind != "string" or not node.value.strip():
            shown = "empty" if node.kind == "string" else KINDS[node.kind]
            help = f"quote it: '{node.written}'" if node.written else f"write {example or 'text'}"
            self.note(node, "wrong-type", f"{what} is {shown}, text is wanted", help)
            return ""
        return node.value

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """Return a list of text; one text alone counts as a list of it."""
        if node is not None and node.kind == "string":
            return (self.text(node, what),)
        return tuple(self.text(element, f"an entry of {what}") for element in self.elements(node, what))

    def word(self, node: Node, what: str, known: Collection[str], code: str = "bad-value") -> str:
        """Return one of the known words, or note which is the nearest."""
        word = self.text(node, what)
        if word and word not in known:
            help = did_you_mean(word, known) or f"one of {', '.join(known)}"
            self.note(node, code, f"`{word[:60]}` is no {what}", help)
        return word

    def plain(self, node: Node) -> Any:
        """Return a plain JSON value, noting what JSON has not."""
        inside = [node]
        while inside:
            inner = inside.pop()
            if inner.kind == "other" or (inner.kind == "float" and inner.value - inner.value != 0):
                self.note(inner, "wrong-type", f"`{inner.written[:60]}` is no JSON value", "quote it if it is text")
            inside += inner.elements
            inside += [value for _, value in inner.items]
            for key, _ in inner.items:
                if key.kind != "string":
                    self.note(key, "key", f"the key `{key.written[:60]}` is {KINDS[key.kind]}", "quote it")
        return node.plain()
