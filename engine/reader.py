"""Reads a rule file's tree into a policy document, and says everything that is wrong with its shape at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .document import (
    BACKENDS,
    DECISIONS,
    Audit,
    Branch,
    Derivation,
    Document,
    Gate,
    Limit,
    Located,
    Place,
    StringSet,
    Template,
)
from .errors import PolicyError, Problem, did_you_mean
from .expression import ExpressionError, parse
from .source import Node, Source, compose

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_GATE_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")
_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
_ERROR = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARTS = (
    "schema",
    "name",
    "version",
    "extends",
    "description",
    "changelog",
    "audit",
    "sets",
    "limits",
    "derive",
    "gates",
)
_GATE_KEYS = ("id", "when", "otherwise", "decide", "backend", "error", "http", "message", "before", "after", "remove")
_BRANCH_KEYS = ("when", "otherwise", "value", "compute", "why")


def read_document(source: Source) -> Document:
    """Return the policy document in `source`.

    Raises PolicyError with every problem of YAML, shape and expression syntax found, each with file, line and column.
    """
    reader = _Reader(source)
    document = reader.document(compose(source))
    if reader.problems or document is None:
        raise PolicyError(reader.problems)
    return document


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.overlay = False

    # --- the shape of a value

    def note(self, node: Node, code: str, message: str, help: str = "") -> None:
        self.problems.append(self.place(node).problem(code, message, help))

    def place(self, node: Node) -> Place:
        first_line = self.source.text.find("\n", node.start, node.end)
        return Place(self.source, node.start, first_line if first_line > node.start else node.end)

    def mapping(
        self, node: Node, what: str, allowed: Collection[str], required: Collection[str] = ()
    ) -> dict[str, Node]:
        found = {key.written: value for key, value in self.entries(node, what)}
        for key, _ in node.items:
            if key.written not in allowed:
                help = did_you_mean(key.written, allowed) or f"the keys are {', '.join(allowed)}"
                self.note(key, "unknown-key", f"unknown key `{key.written[:60]}` in {what}", help)
        for key in required:
            if key not in found and node.kind == "mapping":
                self.note(node, "missing-key", f"{what} has no `{key}`", f"add `{key}:`")
        return {key: value for key, value in found.items() if key in allowed}

    def entries(self, node: Node, what: str) -> tuple[tuple[Node, Node], ...]:
        if node.kind != "mapping":
            self.note(node, "wrong-type", f"{what} is {_a(node.kind)}, a mapping is wanted", "write `key: value` lines")
        return node.items

    def named(self, node: Node | None, what: str) -> Iterator[tuple[str, Node, Node]]:
        for key, value in self.entries(node, what) if node is not None else ():
            if _NAME.fullmatch(key.written):
                yield key.written, key, value
            else:
                help = "use lower-case letters, digits and _, a letter first"
                self.note(key, "bad-name", f"`{key.written[:60]}` is no name under `{what}`", help)

    def elements(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is not None and node.kind != "sequence":
            self.note(
                node, "wrong-type", f"{what} is {_a(node.kind)}, a list is wanted", "write `- ` before each entry"
            )
        return node.elements if node is not None else ()

    def string(self, node: Node | None, what: str, pattern: re.Pattern[str] | None = None, example: str = "") -> str:
        if node is None:
            return ""
        if node.kind != "string":
            message = f"{what} {_read_as(node)}, text is wanted"
            help = f"quote it: '{node.written}'" if node.written else f"write {example or 'text'}"
            self.note(node, "wrong-type", message, help)
            return ""
        if not node.value.strip():
            self.note(node, "empty-text", f"{what} is empty", f"write {example or 'something'}")
        elif pattern is not None and not pattern.fullmatch(node.value):
            self.note(node, "bad-name", f"`{node.value[:60]}` is no {what}", f"write it like {example}")
        return node.value

    def choice(self, node: Node | None, what: str, choices: tuple[str, ...]) -> str:
        if node is not None and node.kind != "string":
            self.note(node, "bad-value", f"{what} {_read_as(node)}", f"one of {', '.join(choices)}")
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
            self.note(node, "wrong-type", f"{what} is the YAML boolean {node.written}, an expression is wanted", help)
            return None
        text = self.string(node, what, example="a JMESPath expression")
        if not text.strip():
            return None
        rest = self.source.text[
            node.end : self.source.text.find("\n", node.end) if "\n" in self.source.text[node.end :] else None
        ]
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

    # --- the parts

    def document(self, root: Node) -> Document | None:
        if root.kind != "mapping":
            self.note(root, "wrong-type", f"the file is {_a(root.kind)}, a policy is wanted", "see rules/policy.yaml")
            return None
        self.overlay = any(key.written == "extends" for key, _ in root.items)
        required = ("schema", "name", "version") if self.overlay else ("schema", "name", "version", "gates")
        parts = self.mapping(root, "the policy", _PARTS, required)
        schema = parts.get("schema")
        if schema is not None and (schema.kind != "integer" or schema.value != 1):
            self.note(schema, "bad-value", f"schema {_read_as(schema)}, 1 is wanted", "write `schema: 1`")
        if "description" in parts:
            self.string(parts["description"], "description")
        for version, entries in self.entries(parts["changelog"], "changelog") if "changelog" in parts else ():
            if not _VERSION.fullmatch(version.written):
                self.note(version, "bad-name", f"`{version.written[:60]}` is no version", "write it like 3.0.0")
            for entry in self.elements(entries, "a changelog entry"):
                self.string(entry, "a changelog line")
        extends = parts.get("extends")
        return Document(
            name=self.string(parts.get("name"), "name", re.compile(r"[A-Za-z0-9][\w.-]{0,63}"), "mlx"),
            version=self.string(parts.get("version"), "version", _VERSION, "3.0.0"),
            extends=self.string(extends, "extends", example="2.0.4, or a path") or None,
            sets=tuple(self.sets(parts.get("sets"))),
            limits=tuple(self.limits(parts.get("limits"))),
            derive=tuple(self.derivations(parts.get("derive"))),
            gates=self.gates(parts.get("gates"), root),
            place=self.place(root),
            extends_place=self.place(extends) if extends is not None else None,
            audit=self.audit(parts["audit"]) if "audit" in parts else None,
        )

    def audit(self, node: Node) -> Audit:
        keys = self.mapping(node, "audit", ("checked_with", "sets"), ("checked_with", "sets"))

        def pairs(part: str) -> tuple[tuple[str, str, Place], ...]:
            entries = self.entries(keys[part], part) if part in keys else ()
            return tuple((key.written, self.string(value, part), self.place(key)) for key, value in entries)

        return Audit(pairs("sets"), pairs("checked_with"))

    def sets(self, node: Node | None) -> Iterator[StringSet]:
        for name, key, value in self.named(node, "sets"):
            if value.kind == "mapping":
                if not self.overlay:
                    help = "write `- entry` lines; `add` and `remove` change a set of a policy that is extended"
                    self.note(value, "wrong-type", f"the set `{name}` is a mapping, a list is wanted", help)
                edit = self.mapping(value, f"the set `{name}`", ("add", "remove"))
                add = self.members(edit.get("add"), name)
                yield StringSet(name, add, self.place(key), self.members(edit.get("remove"), name), whole=False)
            else:
                yield StringSet(name, self.members(value, name), self.place(key))

    def members(self, node: Node | None, name: str) -> tuple[str, ...]:
        seen: dict[str, None] = {}
        for element in self.elements(node, f"the set `{name}`"):
            member = self.string(element, f"an entry of `{name}`", example="a model type")
            if member in seen and member:
                self.note(element, "duplicate-entry", f"`{member[:60]}` stands twice in `{name}`", "keep one of them")
            seen[member] = None
        return tuple(seen)

    def limits(self, node: Node | None) -> Iterator[Limit]:
        for name, key, value in self.named(node, "limits"):
            if value.kind not in ("integer", "float") or value.value - value.value != 0:
                message = f"the limit `{name}` {_read_as(value)}, a finite number is wanted"
                self.note(value, "wrong-type", message, "write a number such as 0.7")
            else:
                yield Limit(name, value.value, self.place(key))

    def derivations(self, node: Node | None) -> Iterator[Derivation]:
        for name, key, value in self.named(node, "derive"):
            what = f"the derived fact `{name}`"
            if value.kind == "mapping" and any(key.written in ("when", "otherwise") for key, _ in value.items):
                message = f"{what} is a branch, a list of branches is wanted"
                self.note(value, "wrong-type", message, "write `- ` before it")
                continue
            if value.kind == "string":
                help = f"write `{name}: {{compute: ...}}`, or a list of branches"
                self.note(value, "wrong-type", f"{what} is text, a mapping or list is wanted", help)
                continue
            if value.kind == "mapping":
                keys = self.mapping(value, what, ("compute", "why"), ("compute",))
                compute = self.expression(keys.get("compute"), "compute")
                why = self.string(keys.get("why"), "why")
                yield Derivation(name, (Branch(None, None, compute, why, self.place(value)),), self.place(key))
                continue
            elements = self.elements(value, what)
            branches = [self.branch(element, what, element is elements[-1]) for element in elements]
            if value.kind == "sequence" and not elements:
                self.note(value, "empty-list", f"{what} has no branch", "add `- otherwise: ...`")
            yield Derivation(name, tuple(branches), self.place(key))

    def branch(self, node: Node, what: str, last: bool) -> Branch:
        keys = self.mapping(node, f"a branch of {what}", _BRANCH_KEYS)
        why = self.string(keys.get("why"), "why")
        if "otherwise" in keys:
            if not last:
                self.note(node, "unreachable", "nothing after `otherwise` is reached", "make it the last branch")
            if extra := [key for key in ("when", "value", "compute") if key in keys]:
                self.note(node, "unknown-key", f"`{extra[0]}` beside `otherwise`", "`otherwise: value` stands alone")
            return Branch(None, self.literal(keys["otherwise"]), None, why, self.place(node))
        if last and node.kind == "mapping":
            self.note(
                node, "no-otherwise", f"{what} has no value when no branch matches", "end with `- otherwise: ...`"
            )
        for key in ("when",) if node.kind == "mapping" and "when" not in keys else ():
            self.note(node, "missing-key", f"a branch of {what} has no `{key}`", f"add `{key}:`")
        if ("value" in keys) == ("compute" in keys) and node.kind == "mapping":
            help = "delete one of them" if "value" in keys else "add `value:`"
            self.note(node, "missing-key", "a branch wants one of `value` and `compute`", help)
        when = self.expression(keys.get("when"), "when")
        value = self.literal(keys["value"]) if "value" in keys else None
        return Branch(when, value, self.expression(keys.get("compute"), "compute"), why, self.place(node))

    def literal(self, node: Node) -> Any:
        inside = [node, *node.elements]
        if node.kind in ("mapping", "other") or any(n.kind in ("mapping", "sequence", "other") for n in inside[1:]):
            self.note(
                node, "wrong-type", "a value is text, a number, true, false, null, or a list of those", "quote text"
            )
        elif any(n.kind == "float" and n.value - n.value != 0 for n in inside):
            self.note(node, "wrong-type", "infinity and NaN are no numbers in JSON", "write a finite number")
        return node.plain()

    def gates(self, node: Node | None, root: Node) -> tuple[Gate, ...]:
        elements = self.elements(node, "gates")
        gates = [self.gate(element) for element in elements]
        seen: set[str] = set()
        for gate in gates:
            if gate.id and gate.id in seen:
                self.problems.append(
                    gate.place.problem("duplicate-gate", f"the gate id `{gate.id}` stands twice", "rename one")
                )
            seen.add(gate.id)
        if node is not None and node.kind == "sequence" and not elements and not self.overlay:
            self.note(root, "empty-list", "the policy has no gate", "end with `- id: ...`, `otherwise: true`")
        return tuple(gates)

    def gate(self, node: Node) -> Gate:
        keys = self.mapping(node, "a gate", _GATE_KEYS, ("id",))
        id = self.string(keys.get("id"), "gate id", _GATE_ID, "text-memory")
        what = f"the gate `{id}`"
        near = self.near(keys, what)
        if "remove" in keys:
            if keys["remove"].value is not True or not self.overlay or len(keys) > 2:
                self.note(node, "bad-value", f"`remove` in {what}", "write `id:` and `remove: true`, beside `extends`")
            return Gate(id, None, "", "", None, None, None, self.place(keys.get("id", node)), None, remove=True)
        when = self.expression(keys.get("when"), "when")
        if "otherwise" in keys and keys["otherwise"].value is not True:
            self.note(
                keys["otherwise"], "bad-value", "`otherwise` of a gate is true or not there", "write `otherwise: true`"
            )
        if node.kind == "mapping" and ("when" in keys) == ("otherwise" in keys):
            help = "delete one of them" if "when" in keys else "add `when:`"
            self.note(node, "missing-key", f"{what} wants one of `when` and `otherwise: true`", help)
        decide = self.decide(keys, node, what)
        return Gate(
            id=id,
            when=when,
            decide=decide,
            backend=self.choice(keys.get("backend"), "backend", BACKENDS) or "unsupported",
            error=self.string(keys.get("error"), "error", _ERROR, "missing_dependency") or None,
            http=self.http(keys.get("http")),
            message=self.template(keys.get("message")),
            place=self.place(keys.get("id", node)),
            near=near,
        )

    def decide(self, keys: Mapping[str, Node], node: Node, what: str) -> str:
        decide = self.choice(keys.get("decide"), "decision", DECISIONS)
        if "decide" not in keys and node.kind == "mapping":
            self.note(node, "missing-key", f"{what} has no `decide`", f"one of {', '.join(DECISIONS)}")
        wanted = {"allow": ("backend",), "warn": ("backend", "message"), "block": ("error", "http", "message")}
        for key in wanted.get(decide, ()):
            if key not in keys:
                self.note(node, "missing-key", f"{what} decides {decide} and has no `{key}`", f"add `{key}:`")
        unwanted = {"allow": ("error", "http", "message"), "warn": ("error", "http"), "block": ("backend",)}
        for key in unwanted.get(decide, ()):
            if key in keys:
                self.note(keys[key], "unknown-key", f"{what} decides {decide}, `{key}` has no place there", "delete it")
        return decide

    def near(self, keys: Mapping[str, Node], what: str) -> tuple[str, str] | None:
        given = [key for key in ("before", "after") if key in keys]
        for key in given if not self.overlay or len(given) > 1 else ():
            help = "one of them is enough" if self.overlay else "only a policy that `extends` another places gates so"
            self.note(keys[key], "unknown-key", f"`{key}` in {what}", help)
        return (given[0], self.string(keys[given[0]], given[0], _GATE_ID, "text-memory")) if given else None

    def http(self, node: Node | None) -> int | None:
        if node is None:
            return None
        if node.kind != "integer" or not 400 <= node.value <= 599:
            message = f"http {_read_as(node)}, a number from 400 to 599 is wanted"
            self.note(node, "bad-value", message, "write an HTTP status such as 501")
            return None
        return node.value


_KINDS = {
    "null": "empty",
    "other": "no plain value",
    "sequence": "a list",
    "mapping": "a mapping",
    "string": "text",
    "boolean": "a boolean",
    "integer": "a number",
    "float": "a number",
}


def _a(kind: str) -> str:
    return _KINDS[kind]


def _read_as(node: Node) -> str:
    """Return what a value is, and where its text reads as something else, that: 0.10 is the number 0.1."""
    if node.kind == "boolean":
        return f"reads as the boolean `{'true' if node.value else 'false'}`"
    if node.kind in ("integer", "float"):
        return f"reads as the number `{shown if len(shown := repr(node.value)) < 40 else node.written[:40]}`"
    return f"is the text `{node.value[:40]}`" if node.kind == "string" else f"is {_a(node.kind)}"
