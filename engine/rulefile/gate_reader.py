"""Reads the gates of a rule file: what each key holds, and which keys go together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from .document import BACKENDS, DECISIONS, Gate
from .value_reader import ValueReader, read_as
from .yaml_tree import Node

_GATE_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")
_ERROR = re.compile(r"[a-z][a-z0-9_]{0,63}")
NOT_IMPLEMENTED = 501  # what a gate answers that blocks and does not say another status
_GATE_KEYS = ("id", "when", "otherwise", "decide", "backend", "error", "http", "message", "before", "after", "remove")


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
        when = self.expression(keys.get("when"), "when")
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
        )

    def decide(self, keys: Mapping[str, Node], node: Node, what: str, meant: Collection[str]) -> str:
        decide = self.choice(keys.get("decide"), "decision", DECISIONS)
        if "decide" not in keys and "decide" not in meant and node.kind == "mapping":
            self.note(node, "missing-key", f"{what} has no `decide`", f"one of {', '.join(DECISIONS)}")
        wanted = {"allow": ("backend",), "warn": ("backend", "message"), "block": ("error", "message")}
        for key in wanted.get(decide, ()):
            if key not in keys and key not in meant:
                self.note(node, "missing-key", f"{what} decides {decide} and has no `{key}`", f"add `{key}:`")
        unwanted = {"allow": ("error", "http", "message"), "warn": ("http",), "block": ("backend",)}
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
        self.odd(node)
        if node.kind != "integer" or not 400 <= node.value <= 599:
            message = f"http {read_as(node)}, a number from 400 to 599 is wanted"
            self.note(node, "bad-value", message, "write an HTTP status such as 501")
            return None
        return node.value
