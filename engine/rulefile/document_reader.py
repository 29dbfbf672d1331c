"""Reads a rule file's tree into a policy document, and says everything that is wrong with its shape at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from ..facts.assignments import size_in_bytes
from ..problems import PolicyError, Problem
from .document import LEVELS, Audit, Branch, Derivation, Document, Limit, Place, StringSet
from .gate_reader import GateReader
from .source import Source
from .value_reader import KINDS, read_as
from .yaml_tree import Node, compose_on

_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
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
    "levels",
)
_AS_READ = {"derive": "derived"}  # as expressions name it
_BRANCH_KEYS = ("when", "otherwise", "value", "compute", "why")


def read_document(source: Source) -> Document:
    """Return the policy document in `source`.

    Raises PolicyError with every problem of YAML, shape and expression syntax found, each with file, line and column.
    """
    document, problems = read_parts(source)
    if problems:
        raise PolicyError(problems)
    return document


def read_parts(source: Source) -> tuple[Document, list[Problem]]:
    """Return what is sound of the policy document in `source`, and every problem of the rest.

    Raises PolicyError where nothing of it can be read.
    """
    composed = compose_on(source)
    reader = _Reader(source, composed.doubled)
    try:
        document = reader.document(composed.root)
    except PolicyError as error:  # too many
        raise PolicyError([*composed.problems, *error.problems]) from None
    problems = [*composed.problems, *reader.problems]
    if document is None:
        raise PolicyError(problems)
    return document, problems


class _Reader(GateReader):
    """Reads the parts of a document."""

    def __init__(self, source: Source, doubled: Collection[str]) -> None:
        super().__init__(source)
        self.doubtful |= {_AS_READ.get(part, part) for part in doubled}

    def document(self, root: Node) -> Document | None:
        if root.kind != "mapping":
            self.note(
                root, "wrong-type", f"the file is {KINDS[root.kind]}, a policy is wanted", "see rules/policy.yaml"
            )
            return None
        self.overlay = any(key.written == "extends" for key, _ in root.items)
        required = ("schema", "name", "version") if self.overlay else ("schema", "name", "version", "gates")
        parts = self.mapping(root, "the policy", _PARTS, required)
        schema = parts.get("schema")
        if schema is not None and (schema.kind != "integer" or schema.value != 1):
            self.note(schema, "bad-value", f"schema {read_as(schema)}, 1 is wanted", "write `schema: 1`")
        if "description" in parts:
            self.string(parts["description"], "description")
        for version, entries in self.entries(parts["changelog"], "changelog") if "changelog" in parts else ():
            if not _VERSION.fullmatch(version.written):
                self.note(version, "bad-name", f"`{version.written[:60]}` is no version", "write it like 3.0.0")
            for entry in self.elements(entries, "a changelog entry"):
                self.string(entry, "a changelog line")
        extends = parts.get("extends")
        document = Document(
            name=self.string(parts.get("name"), "name", re.compile(r"[A-Za-z0-9][\w.-]{0,63}"), "mlx"),
            version=self.string(parts.get("version"), "version", _VERSION, "3.0.0"),
            extends=self.extended(extends),
            sets=tuple(self.sets(parts.get("sets"))),
            limits=tuple(self.limits(parts.get("limits"))),
            derive=tuple(self.derivations(parts.get("derive"))),
            gates=self.gates(parts.get("gates"), root),
            place=self.place(root),
            extends_place=self.place(extends) if extends is not None else None,
            audit=self.audit(parts["audit"]) if "audit" in parts else None,
            levels=tuple(self.levels(parts["levels"])) if "levels" in parts else (),
        )
        self._doubt_parts(root, parts, document)
        return replace(document, doubtful=frozenset(self.doubtful))

    def _doubt_parts(self, root: Node, parts: Mapping[str, Node], document: Document) -> None:
        """Doubt what a key written wrong may have meant, what is of the wrong kind, and what a lost base may have."""
        lost = self.overlay and not document.extends
        misspelt = len(parts) < len(root.items)
        strangers = [key.written for key, _ in root.items if key.written not in parts]  # perhaps not indented
        self.doubtful |= {f"{part}.{name}" for name in strangers for part in ("sets", "limits", "derived")}
        for key, wanted in (("sets", "mapping"), ("limits", "mapping"), ("derive", "mapping"), ("gates", "sequence")):
            if lost or (parts[key].kind != wanted if key in parts else misspelt):
                self.doubtful.add(_AS_READ.get(key, key))
        if not self.overlay and not document.gates:
            self.doubtful.add("gates")  # that there is none was said

    def extended(self, node: Node | None) -> tuple[str, ...]:
        """Return what a policy extends: one policy, or a list of which each is laid over those before it."""
        nodes = node.elements if node is not None and node.kind == "sequence" else (node,) if node is not None else ()
        if node is not None and not nodes:
            self.note(node, "empty-list", "`extends` names nothing", "write `extends: today`")
        words = [self.string(one, "extends", example="2.0.4, or a path") for one in nodes]
        for number, word in enumerate(words):
            if word and word in words[:number]:
                self.note(nodes[number], "duplicate-entry", f"`{word[:60]}` is extended twice", "keep one of them")
        return tuple(filter(None, words))

    def levels(self, node: Node) -> Iterator[tuple[str, str]]:
        for key, value in self.entries(node, "levels"):
            yield key.written, self.choice(value, "level", LEVELS)

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
                remove = self.members(edit.get("remove"), name)
                places, removed = tuple(add.values()), tuple(remove.values())
                yield StringSet(name, tuple(add), self.place(key), tuple(remove), False, places, removed)
            else:
                add = self.members(value, name)
                yield StringSet(name, tuple(add), self.place(key), places=tuple(add.values()))

    def members(self, node: Node | None, name: str) -> dict[str, Place]:
        seen: dict[str, Place] = {}
        for element in self.elements(node, f"the set `{name}`"):
            member = self.string(element, f"an entry of `{name}`", example="a model type")
            if member in seen and member:
                self.note(element, "duplicate-entry", f"`{member[:60]}` stands twice in `{name}`", "keep one of them")
            seen.setdefault(member, self.place(element))
        return seen

    def limits(self, node: Node | None) -> Iterator[Limit]:
        for name, key, value in self.named(node, "limits"):
            size = size_in_bytes(value.value) if value.kind == "string" else None
            if size is not None:
                yield Limit(name, size, self.place(key))
            elif value.kind not in ("integer", "float") or value.value - value.value != 0:
                message = f"the limit `{name}` {read_as(value)}, a finite number is wanted"
                self.note(value, "wrong-type", message, _number_meant(value.written))
                self.doubtful.add(f"limits.{name}")
            else:
                self.odd(value)
                yield Limit(name, value.value, self.place(key))

    def derivations(self, node: Node | None) -> Iterator[Derivation]:
        for name, key, value in self.named(node, "derive"):
            flaws = self.flaws
            yield self.derivation(name, key, value)
            if self.flaws != flaws:
                self.doubtful.add(f"derived.{name}")

    def derivation(self, name: str, key: Node, value: Node) -> Derivation:
        what = f"the derived fact `{name}`"
        if value.kind == "mapping" and any(key.written in ("when", "otherwise") for key, _ in value.items):
            message = f"{what} is a branch, a list of branches is wanted"
            self.note(value, "wrong-type", message, "write `- ` before it")
            return Derivation(name, (), self.place(key))
        if value.kind == "string":
            help = f"write `{name}: {{compute: ...}}`, or a list of branches"
            self.note(value, "wrong-type", f"{what} is text, a mapping or list is wanted", help)
            return Derivation(name, (), self.place(key))
        if value.kind == "mapping":
            keys = self.mapping(value, what, ("compute", "why"), ("compute",))
            compute = self.expression(keys.get("compute"), "compute")
            why = self.string(keys.get("why"), "why")
            return Derivation(name, (Branch(None, None, compute, why, self.place(value)),), self.place(key))
        elements = self.elements(value, what)
        branches = [self.branch(element, what, element is elements[-1]) for element in elements]
        if value.kind == "sequence" and not elements:
            self.note(value, "empty-list", f"{what} has no branch", "add `- otherwise: ...`")
        return Derivation(name, tuple(branches), self.place(key))

    def branch(self, node: Node, what: str, last: bool) -> Branch:
        flaws = self.flaws
        branch = self._branch(node, what, last)
        return branch if self.flaws == flaws else replace(branch, sound=False)

    def _branch(self, node: Node, what: str, last: bool) -> Branch:
        keys = self.mapping(node, f"a branch of {what}", _BRANCH_KEYS)
        meant = self.meant
        why = self.string(keys.get("why"), "why")
        if "otherwise" in keys:
            if not last:
                self.note(node, "unreachable", "nothing after `otherwise` is reached", "make it the last branch")
            if extra := [key for key in ("when", "value", "compute") if key in keys]:
                self.note(node, "unknown-key", f"`{extra[0]}` beside `otherwise`", "`otherwise: value` stands alone")
            return Branch(None, self.literal(keys["otherwise"]), None, why, self.place(node))
        if last and "compute" in keys and "when" not in keys and "value" not in keys:
            # What is computed where no branch before it matched.
            return Branch(None, None, self.expression(keys["compute"], "compute"), why, self.place(node))
        if last and node.kind == "mapping" and "otherwise" not in meant:
            self.note(
                node, "no-otherwise", f"{what} has no value when no branch matches", "end with `- otherwise: ...`"
            )
        for key in ("when",) if node.kind == "mapping" and not {*keys, *meant} & {"when", "otherwise"} else ():
            self.note(node, "missing-key", f"a branch of {what} has no `{key}`", f"add `{key}:`")
        given = ("value" in keys) != ("compute" in keys) or meant & {"value", "compute", "otherwise"}
        if not given and node.kind == "mapping":
            help = "delete one of them" if "value" in keys else "add `value:`"
            self.note(node, "missing-key", "a branch wants one of `value` and `compute`", help)
        when = self.expression(keys.get("when"), "when")
        value = self.literal(keys["value"]) if "value" in keys else None
        return Branch(when, value, self.expression(keys.get("compute"), "compute"), why, self.place(node))


def _number_meant(written: str) -> str:
    """Return how the number is written that a text may stand for."""
    power = re.fullmatch(r"([-+]?[\d.]+)[eE]([-+]?)(\d+)", written)
    if power:
        digits = power[1] if "." in power[1] else f"{power[1]}.0"
        return f"YAML wants a point and a sign: {digits}e{power[2] or '+'}{power[3]}"
    return "write a number such as 0.7, or a size such as 8GB"
