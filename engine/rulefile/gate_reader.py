"""Reads the gates of a rule file: what each key holds, and which keys go together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from .document import ABOUT, BACKENDS, DECISIONS, UNWANTED, WANTED, Gate, Located
from .value_reader import ValueReader, read_as
from .yaml_tree import Node

_GATE_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LINK = re.compile(r"https?://[^\s<>\"'`]{1,500}")
_ERROR = re.compile(r"[a-z][a-z0-9_]{0,63}")
NOT_IMPLEMENTED = 501  # what a gate answers that blocks and does not say another status
_CHANGED_KEYS = ("when", "decide", "backend", "error", "http", "message", *ABOUT, "until", "mode")
_PLACED_KEYS = ("id", "when", "otherwise", "decide", "backend", "error", "http", "message", "before", "after", "remove")
_GATE_KEYS = (*_PLACED_KEYS, *ABOUT, "until", "mode", "change")
_MODES = ("enforce", "observe")
_ENDS = "allow (with `backend`), warn (with `backend`, `message`) or block (with `error`, `message`)"


def _day(node: Node) -> int:
    """Return a day written YYYY-MM-DD as the number YYYYMMDD, 0 where a value is none."""
    written = node.written.strip("'\"")
    try:
        return int(f"{date.fromisoformat(written):%Y%m%d}") if _DAY.fullmatch(written) else 0
    except ValueError:
        return 0


class GateReader(ValueReader):
    """Reads gates."""

    def gates(self, node: Node | None, root: Node) -> tuple[Gate, ...]:
        elements = self.elements(node, "gates")
        gates = [self.gate(element) for element in elements]
        seen: set[str] = set()
        for gate in gates:
            if gate.id and gate.id in seen:
                self.doubtful.add("gates")
                self.problems.append(
                    gate.place.problem("duplicate-gate", f"the gate id `{gate.id}` stands twice", "rename one")
                )
            seen.add(gate.id)
        if node is not None and node.kind == "sequence" and not elements and not self.overlay:
            self.note(root, "empty-list", "the policy has no gate", "end with `- id: ...`, `otherwise: true`")
        return tuple(gates)

    def gate(self, node: Node) -> Gate:
        flaws = self.flaws
        gate = self._gate(node)
        if self.flaws == flaws:
            return gate
        self.doubtful.add("gates")
        return replace(gate, sound=False)

    def _gate(self, node: Node) -> Gate:
        keys = self.mapping(node, "a gate", _GATE_KEYS, ("id",))
        meant = self.meant
        id = self.string(keys.get("id"), "gate id", _GATE_ID, "text-memory")
        what = f"the gate `{id}`"
        near = self.near(keys, what)
        if "remove" in keys:
            if keys["remove"].value is not True or not self.overlay or len(keys) > 2:
                self.note(node, "bad-value", f"`remove` in {what}", "write `id:` and `remove: true`, beside `extends`")
            return Gate(id, None, "", "", None, None, None, self.place(keys.get("id", node)), None, remove=True)
        if "change" in keys:
            return self.changed(keys, id, what, node)
        when = self.condition(keys)
        if "otherwise" in keys and keys["otherwise"].value is not True:
            self.note(
                keys["otherwise"], "bad-value", "`otherwise` of a gate is true or not there", "write `otherwise: true`"
            )
        if node.kind == "mapping" and ("when" in keys) == ("otherwise" in keys) and not meant & {"when", "otherwise"}:
            help = "delete one of them" if "when" in keys else "add `when:`"
            self.note(node, "missing-key", f"{what} wants one of `when` and `otherwise: true`", help)
        decide = self.decide(keys, node, what, meant)
        return Gate(
            id=id,
            when=when,
            decide=decide,
            backend=self.choice(keys.get("backend"), "backend", BACKENDS) or "unsupported",
            error=self.string(keys.get("error"), "error", _ERROR, "missing_dependency") or None,
            http=NOT_IMPLEMENTED if decide == "block" and "http" not in keys else self.http(keys.get("http")),
            message=self.template(keys.get("message")),
            place=self.place(keys.get("id", node)),
            near=near,
            about=self.about(keys),
            until=self.until(keys, what),
            observe=self.mode(keys, what),
        )

    def changed(self, keys: Mapping[str, Node], id: str, what: str, node: Node) -> Gate:
        """Return a gate that holds only what is to be changed of the one that it is laid over."""
        if not self.overlay or set(keys) - {"id", "change", "before", "after"}:
            help = "write `id:` and `change:` with the keys that differ, beside `extends`"
            self.note(node, "bad-value", f"`change` in {what}", help)
        given = self.mapping(keys["change"], f"`change` of {what}", _CHANGED_KEYS)
        if "until" in given and "when" not in given:
            self.note(given["until"], "missing-key", f"`until` of {what} is part of its condition", "add `when:`")
        return Gate(
            id=id,
            when=self.condition(given),
            decide=self.choice(given.get("decide"), "decision", DECISIONS),
            backend=self.choice(given.get("backend"), "backend", BACKENDS),
            error=self.string(given.get("error"), "error", _ERROR, "missing_dependency") or None,
            http=self.http(given.get("http")),
            message=self.template(given.get("message")),
            place=self.place(keys.get("id", node)),
            near=self.near(keys, what),
            about=self.about(given),
            until=self.until(given, what),
            observe=self.mode(given, what),
            change=tuple(given),
        )

    def condition(self, keys: Mapping[str, Node]) -> Located | None:
        """Return the condition of a gate, which holds no longer once its last day is over."""
        when, until = self.expression(keys.get("when"), "when"), keys.get("until")
        if when is None or until is None or not _day(until):
            return when
        text = f"({when.expression.text}) && (runtime.today == `null` || runtime.today <= `{_day(until)}`)"
        return self.parse(when.node, text, -1) or when

    def about(self, keys: Mapping[str, Node]) -> tuple[tuple[str, str], ...]:
        found = {key: self.string(keys[key], key) for key in ABOUT if key in keys}
        link = found.get("link", "")
        if link and not _LINK.fullmatch(link):
            self.note(keys["link"], "bad-name", f"`{link[:60]}` is no link", "write it like https://example.org/why")
        return tuple((key, " ".join(text.split())) for key, text in found.items())

    def until(self, keys: Mapping[str, Node], what: str) -> str | None:
        node = keys.get("until")
        if node is None:
            return None
        if not _day(node):
            self.note(node, "bad-value", f"`until` {read_as(node)}, a day is wanted", "write it like 2027-12-31")
            return None
        if "otherwise" in keys:
            self.note(node, "unknown-key", f"`until` in {what}, which always fires", "delete it")
        return node.written.strip("'\"")

    def mode(self, keys: Mapping[str, Node], what: str) -> bool:
        observe = self.choice(keys.get("mode"), "mode", _MODES) == "observe"
        if observe and "otherwise" in keys:
            self.note(keys["mode"], "bad-value", f"{what} is observed, and nothing else decides", "delete `mode`")
        return observe

    def decide(self, keys: Mapping[str, Node], node: Node, what: str, meant: Collection[str]) -> str:
        decide = self.choice(keys.get("decide"), "decision", DECISIONS)
        if "decide" not in keys and "decide" not in meant and node.kind == "mapping":
            self.note(node, "missing-key", f"{what} has no `decide`", _ENDS)
        for key in WANTED.get(decide, ()):
            if key not in keys and key not in meant:
                self.note(node, "missing-key", f"{what} decides {decide} and has no `{key}`", f"add `{key}:`")
        for key in UNWANTED.get(decide, ()):
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
        self.odd(node)
        if node.kind != "integer" or not 400 <= node.value <= 599:
            message = f"http {read_as(node)}, a number from 400 to 599 is wanted"
            self.note(node, "bad-value", message, "write an HTTP status such as 501")
            return None
        return node.value
