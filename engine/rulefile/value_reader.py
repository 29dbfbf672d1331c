"""Reads single values of a rule or case file: names, texts, choices, expressions; each wrong one is a problem."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from ..language.expression import ExpressionError, parse
from ..problems import Problems, did_you_mean
from .document import Located, Place, Template
from .source import Source
from .yaml_tree import Node

KINDS = {
    "null": "empty",
    "broken": "broken",
    "other": "no plain value",
    "sequence": "a list",
    "mapping": "a mapping",
    "string": "text",
    "boolean": "a boolean",
    "integer": "a number",
    "float": "a number",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


_ODD = re.compile(r"[-+]?(?:0[0-9_]+|[0-9][0-9_]*(?::[0-9.]+)+)")  # 0777 is octal, and 1:30 is 90
_AS_FACTS = {"derive": "derived"}  # how expressions name what stands in a part


class ValueReader:
    """Reads values of one source, and collects what is wrong with them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems = Problems()
        self.flaws = 0  # how often something was wrong: what was read while it stood still is sound
        self.doubtful: set[str] = set()  # names under which the file has something that is not sound
        self.overlay = False
        self.meant: set[str] = set()  # keys of the mapping read last that are there, but misspelt

    # --- the shape of a value

    def note(self, node: Node, code: str, message: str, help: str = "") -> None:
        self.flaws += 1
        if node.kind != "broken":
            self.problems.append(self.place(node).problem(code, message, help))

    def place(self, node: Node) -> Place:
        first_line = self.source.text.find("\n", node.start, node.end)
        return Place(self.source, node.start, first_line if first_line > node.start else node.end)

    def mapping(
        self, node: Node, what: str, allowed: Collection[str], required: Collection[str] = ()
    ) -> dict[str, Node]:
        self.meant = set[str]()
        found = {key.written: value for key, value in self.entries(node, what)}
        for key, _ in node.items:
            if key.written not in allowed:
                help = did_you_mean(key.written, allowed) or f"the keys are {', '.join(allowed)}"
                self.note(key, "unknown-key", f"unknown key `{key.written[:60]}` in {what}", help)
                self.meant |= {name for name in allowed if f"`{name}`" in help and help.startswith("did")}
        for key in required:
            if key not in found and key not in self.meant and node.kind == "mapping":
                self.note(node, "missing-key", f"{what} has no `{key}`", f"add `{key}:`")
        return {key: value for key, value in found.items() if key in allowed}

    def entries(self, node: Node, what: str) -> tuple[tuple[Node, Node], ...]:
        if node.kind != "mapping":
            self.note(
                node, "wrong-type", f"{what} is {KINDS[node.kind]}, a mapping is wanted", "write `key: value` lines"
            )
        return node.items

    def named(self, node: Node | None, what: str) -> Iterator[tuple[str, Node, Node]]:
        for key, value in self.entries(node, what) if node is not None else ():
            if _NAME.fullmatch(key.written):
                yield key.written, key, value
            else:
                help = "use lower-case letters, digits and _, a letter first"
                self.doubtful.add(f"{_AS_FACTS.get(what, what)}.{key.written}")
                self.note(key, "bad-name", f"`{key.written[:60]}` is no name under `{what}`", help)

    def elements(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is not None and node.kind != "sequence":
            self.note(
                node, "wrong-type", f"{what} is {KINDS[node.kind]}, a list is wanted", "write `- ` before each entry"
            )
        return node.elements if node is not None else ()

    def string(self, node: Node | None, what: str, pattern: re.Pattern[str] | None = None, example: str = "") -> str:
        if node is None:
            return ""
        if node.kind != "string":
            message = f"{what} {read_as(node)}, text is wanted"
            help = f"quote it: '{node.written}'" if node.written else f"write {example or 'text'}"
            self.note(node, "wrong-type", message, help)
            return ""
        if not node.value.strip():
            self.note(node, "empty-text", f"{what} is empty", f"write {example or 'something'}")
        elif pattern is not None and not pattern.fullmatch(node.value):
            self.note(node, "bad-name", f"`{node.value[:60]}` is no {what}", f"write it like {example}")
        return node.value

    def odd(self, node: Node) -> None:
        """Note a number that YAML reads otherwise than it looks."""
        if node.kind in ("integer", "float") and _ODD.fullmatch(node.written):
            message = f"`{node.written[:60]}` is read as the number {node.value} by YAML"
            plain = f"{node.written.lstrip('+-0')}, or " if node.written.isdecimal() else ""
            self.note(node, "odd-number", message, f"write {plain}{node.value} if that is meant")

    def choice(self, node: Node | None, what: str, choices: tuple[str, ...]) -> str:
        if node is not None and node.kind != "string":
            self.note(node, "bad-value", f"{what} {read_as(node)}", f"one of {', '.join(choices)}")
            return ""
        word = self.string(node, what)
        if node is not None and word and word not in choices:
            help = did_you_mean(word, choices) or f"one of {', '.join(choices)}"
            self.note(node, "bad-value", f"`{word[:60]}` is no {what}", help)
        return word

    # --- expressions

    def expression(self, node: Node | None, what: str) -> Located | None:
        if node is None:
            return None
        if node.kind == "boolean":
            help = "use `otherwise: true` for what always holds"
            if self.overlay:  # the gate that always fires is the extended policy's
                help = "write `when: '`true`'` for what always holds"
            self.note(node, "wrong-type", f"{what} is the YAML boolean {node.written}, an expression is wanted", help)
            return None
        text = self.string(node, what, example="a JMESPath expression")
        if not text.strip():
            return None
        newline = self.source.text.find("\n", node.end)
        rest = self.source.text[node.end : newline if newline >= 0 else None]
        if rest.lstrip(" \t").startswith("#") and self.source.text[node.start] not in "'\"|>":
            index = node.end + rest.index("#")
            message = "what follows the # is a comment and no part of the expression"
            self.problems.append(
                self.source.problem("comment-after-expression", message, "put the comment in a line of its own", index)
            )
        return self.parse(node, text, 0)

    def parse(self, node: Node, text: str, shift: int) -> Located | None:
        try:
            return Located(parse(text), self.source, node, shift)
        except ExpressionError as error:
            found = Located(parse("@"), self.source, node, shift).at(error.problem, error.offset, error.width)
            self.flaws += 1
            self.problems.append(found)
            return None

    def template(self, node: Node | None) -> Template | None:
        if node is None:
            return None
        text = self.string(node, "message", example="a sentence")
        parts: list[str | Located] = []
        position = 0
        while (opening := text.find("{{", position)) >= 0:
            closing = text.find("}}", opening)
            if closing < 0:
                self.note(node, "bad-placeholder", "a {{ is never closed", "write {{ expression }}")
                return None
            parts.append(text[position:opening])
            inner = text[opening + 2 : closing]
            located = self.parse(node, inner, opening + 2)
            if located is not None:
                parts.append(located)
            position = closing + 2
        if "}}" in text[position:]:
            self.note(node, "bad-placeholder", "a }} without its {{", "write {{ expression }}")
        return Template((*parts, text[position:]))

    def literal(self, node: Node) -> Any:
        inside = [node, *node.elements]
        for one in inside:
            self.odd(one)
        if any(n.kind == "broken" for n in inside):
            self.flaws += 1
        elif node.kind in ("mapping", "other") or any(n.kind in ("mapping", "sequence", "other") for n in inside[1:]):
            self.note(
                node, "wrong-type", "a value is text, a number, true, false, null, or a list of those", "quote text"
            )
        elif any(n.kind == "float" and n.value - n.value != 0 for n in inside):
            self.note(node, "wrong-type", "infinity and NaN are no numbers in JSON", "write a finite number")
        return node.plain()


def read_as(node: Node) -> str:
    """Return what a value is, and where its text reads as something else, that: 0.10 is the number 0.1."""
    if node.kind == "boolean":
        return f"reads as the boolean `{'true' if node.value else 'false'}`"
    if node.kind in ("integer", "float"):
        return f"reads as the number `{shown if len(shown := repr(node.value)) < 40 else node.written[:40]}`"
    return f"is the text `{node.value[:40]}`" if node.kind == "string" else f"is {KINDS[node.kind]}"
