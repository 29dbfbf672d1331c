"""Reads a case file, and says everything that is wrong with its shape at once."""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from typing import Any

from ..facts.vocabulary import vocabulary
from ..problems import PolicyError, did_you_mean
from ..rulefile.document import BACKENDS, DECISIONS
from ..rulefile.source import Source
from ..rulefile.value_reader import KINDS, ValueReader
from ..rulefile.yaml_tree import Node, compose
from .cases import EXPECTATIONS, Case, Each, Equivalent, Expectation, Folder, Setting, Skip, Suite
from .facts import placeholders
from .folders import misnamed

_PARTS = ("policy", "description", "defaults", "cases", "equivalent")
_CASE = ("name", "each", "facts", "folder", "derived", "expect", "skip")


def is_suite(source: Source) -> bool:
    """Whether a file reads as a case file and not as a rule file."""
    words = {key.written for key, _ in compose(source).items}
    return bool(words & {"cases", "defaults"}) or not words & {"schema", "gates", "extends"}


def read_suite(source: Source) -> Suite:
    """Return the case file in `source`. Raises PolicyError with every problem found, each at its place."""
    reader = _Reader(source)
    suite = reader.suite(compose(source))
    if reader.problems:
        raise PolicyError(reader.problems)
    return suite


class _Reader(ValueReader):
    def suite(self, root: Node) -> Suite:
        parts = self.mapping(root, "a case file", _PARTS, ("cases",))
        if "description" in parts:
            self.string(parts["description"], "description")
        cases = tuple(self.case(node) for node in self.elements(parts.get("cases"), "cases"))
        seen: set[str] = set()
        for case in cases:
            if case.name and case.name in seen:
                message = f"the case `{case.name[:60]}` stands twice"
                self.problems.append(case.place.problem("duplicate-case", message, "rename one"))
            seen.add(case.name)
        equivalent = self.elements(parts.get("equivalent"), "equivalent")
        return Suite(
            name=self.source.name,
            policy=self.string(parts.get("policy"), "policy", example="2.0.4, or a path") or None,
            defaults=self.facts(parts.get("defaults"), "defaults"),
            cases=cases,
            equivalent=tuple(self.equivalent(node) for node in equivalent),
            place=self.place(root),
        )

    def case(self, node: Node) -> Case:
        keys = self.mapping(node, "a case", _CASE, ("name", "expect"))
        name = self.string(keys.get("name"), "the name of a case")
        derived = tuple(
            Setting((key.written,), self.plain(value), self.place(value))
            for key, value in self.pairs(keys.get("derived"), "derived")
        )
        expect = tuple(self.expectations(keys["expect"])) if "expect" in keys else ()
        return Case(
            name=name,
            each=self.each(keys["each"]) if "each" in keys else None,
            settings=self.facts(keys.get("facts"), "facts"),
            derived=derived,
            folder=self.folder(keys["folder"]) if "folder" in keys else None,
            expect=expect,
            place=self.place(keys.get("name", node)),
            skip=self.skip(keys["skip"]) if "skip" in keys else None,
        )

    def skip(self, node: Node) -> Skip:
        keys = self.mapping(node, "skip", ("reason", "until"), ("reason", "until"))
        reason = self.string(keys.get("reason"), "the reason of `skip`")
        until = keys["until"].written.strip("'\"") if "until" in keys else ""
        try:
            date.fromisoformat(until)
        except ValueError:
            if "until" in keys:
                self.note(
                    keys["until"],
                    "bad-value",
                    f"`until` of `skip` is `{until[:40]}`, a day is wanted",
                    "write it like 2027-12-31",
                )
        return Skip(reason, until, self.place(node))

    # --- facts

    def facts(self, node: Node | None, what: str) -> tuple[Setting, ...]:
        return tuple(setting for key, value in self.pairs(node, what) for setting in self.fact(key, value, ()))

    def fact(self, key: Node, value: Node, above: tuple[str, ...]) -> list[Setting]:
        path = (*above, *str(key.written).split("."))
        known = vocabulary().facts
        names = [".".join(path[:length]) for length in range(1, len(path) + 1)]
        for length, name in enumerate(names, 1):
            if name in known and (length == len(path) or "object" in known[name].type.kinds):
                return [Setting(path, self.plain(value), self.place(value))]
        if any(name.startswith(f"{names[-1]}.") for name in known):
            if value.kind == "mapping":
                return [setting for inner, deeper in value.items for setting in self.fact(inner, deeper, path)]
            if value.kind == "string" and placeholders(value.value):
                return [Setting(path, value.value, self.place(value))]  # a row of `each` fills it with several facts
            inside = ", ".join(name for name in known if name.startswith(f"{names[-1]}."))
            self.note(value, "wrong-type", f"`{names[-1]}` holds facts and has no value of its own", f"set {inside}")
            return []
        full = names[-1][:60]
        help = did_you_mean(full, known) or "rules/facts.yaml has them all"
        if path[0] == "derived":
            help = "derived facts are set beside `facts:`, under `derived:`"
        self.note(key, "unknown-fact", f"unknown fact `{full}`", help)
        return []

    def folder(self, node: Node) -> Folder:
        if node.kind == "string":
            return Folder(self.string(node, "folder"), (), None, self.place(node))
        keys = self.mapping(node, "folder", ("files", "path", "name"))
        if ("files" in keys) == ("path" in keys) and node.kind == "mapping":
            help = "delete one of them" if "path" in keys else "write `files:` with names and contents, or `path:`"
            self.note(node, "missing-key", "folder wants one of `files` and `path`", help)
        files: list[tuple[str, object]] = []
        folders: set[str] = set()
        for key, value in self.pairs(keys.get("files"), "files"):
            above = {str(parent) for parent in PurePosixPath(key.written).parents}
            if reason := misnamed(key.written):
                self.note(key, "bad-name", f"`{key.written[:60]}` {reason}", "write a relative path")
            elif key.written in folders or not above.isdisjoint(name for name, _ in files):
                self.note(key, "bad-name", f"`{key.written[:60]}` and another would be file and folder", "rename one")
            folders |= above
            files.append((key.written, self.plain(value)))
        path = self.string(keys.get("path"), "path") or None
        return Folder(path, tuple(files), self.string(keys.get("name"), "name") or None, self.place(node))

    # --- each, expect, equivalent

    def each(self, node: Node) -> Each:
        if node.kind != "mapping":
            return Each(self.repeated(node), (), (), self.place(node))
        keys = self.mapping(node, "each", ("of", "in", "not_in"), ("of",))
        of = self.repeated(keys["of"]) if "of" in keys else ()
        within, without = (tuple(map(self.set_name, self.sets(keys.get(key)))) for key in ("in", "not_in"))
        return Each(of, within, without, self.place(node))

    def repeated(self, node: Node) -> str | tuple[object, ...]:
        return self.set_name(node) if node.kind == "string" else tuple(map(self.plain, self.elements(node, "each")))

    def sets(self, node: Node | None) -> tuple[Node, ...]:
        return (node,) if node is not None and node.kind == "string" else self.elements(node, "a list of sets")

    def set_name(self, node: Node) -> str:
        name = self.string(node, "a set", example="sets.NAME")
        if name.strip() and not name.startswith("sets."):
            self.note(node, "unknown-set", f"`{name[:60]}` names no set", f"write `sets.{name[:60]}`, or a list")
        return name.removeprefix("sets.")

    def expectations(self, node: Node) -> list[Expectation]:
        keys = self.mapping(node, "expect", EXPECTATIONS)
        if node.kind == "mapping" and not node.items:
            self.note(node, "missing-key", "nothing is expected", "add `decision:` or `gate:`")
        for key, known in (("decision", DECISIONS), ("backend", (*BACKENDS, "unsupported"))):
            if key in keys and "{{" not in keys[key].written:
                self.choice(keys[key], key, known)
        found: list[Expectation] = []
        for key, value in keys.items():
            plain: object = self.plain(value)
            if key in ("message", "not_gates"):
                plain = self.texts(value, key)
            elif key == "derived":
                self.pairs(value, "derived")
            elif key in ("gate", "error_type") and value.kind != "null":
                self.string(value, key)
            elif key == "http_status" and value.kind not in ("integer", "null") and "{{" not in value.written:
                self.note(value, "wrong-type", "http_status is a number, or null", "write it like 501")
            found.append(Expectation(key, plain, self.place(value)))
        return found

    def equivalent(self, node: Node) -> Equivalent:
        keys = self.mapping(node, "equivalent", ("mutants", "reason", "each"), ("mutants", "reason"))
        each = self.each(keys["each"]) if "each" in keys else None
        reason = self.string(keys.get("reason"), "reason", example="why no case can notice it")
        return Equivalent(self.texts(keys.get("mutants"), "mutants"), reason, each, self.place(node))

    # --- what any of these are made of

    def pairs(self, node: Node | None, what: str) -> tuple[tuple[Node, Node], ...]:
        return self.entries(node, what) if node is not None else ()

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """Return a list of text; one text alone counts as a list of it."""
        if node is not None and node.kind == "string":
            return (self.string(node, what),)
        return tuple(self.string(element, f"an entry of {what}") for element in self.elements(node, what))

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
