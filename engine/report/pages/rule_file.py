"""A merged policy as one rule file that extends nothing."""

from __future__ import annotations

from typing import Any

import yaml

from ..terminal import safe
from .outline import Outline, branch_keys, gate_keys


def rule_file(view: Outline) -> str:
    """Return the YAML of a rule file that decides as the policy does. Comments and changelogs stay behind."""
    document = view.document
    whole: dict[str, Any] = {"schema": 1, "name": document.name, "version": document.version}
    if document.audit is not None:
        whole["audit"] = {
            "checked_with": {name: version for name, version, _ in document.audit.checked_with},
            "sets": {name: fact for name, fact, _ in document.audit.sets},
        }
    if document.sets:
        whole["sets"] = {part.name: list(part.add) for part in document.sets}
    if document.limits:
        whole["limits"] = {part.name: part.value for part in document.limits}
    if document.derive:
        whole["derive"] = {part.name: _branches([branch_keys(b) for b in part.branches]) for part in document.derive}
    whole["gates"] = [gate_keys(gate) for gate in document.all_gates]
    if document.levels:
        whole["levels"] = dict(document.levels)
    files = ", ".join(layer.file for layer in view.layers)
    text = _dumped(whole, unicode=True)
    if safe(text, keep="\n") != text:  # then nothing but ASCII, so that no terminal and no reader is misled
        text = _dumped(whole, unicode=False)
    return f"# Put together by `mlxk-rules policy --yaml` from {safe(files)}\n{text}"


def _branches(branches: list[dict[str, Any]]) -> Any:
    alone = branches[0]
    return alone if len(branches) == 1 and "compute" in alone and "when" not in alone else branches


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _dumped(value: Any, unicode: bool) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=unicode, width=110)
