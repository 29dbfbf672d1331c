"""Writes an audit's findings into a rule file: its sets, versions and changelog, with every comment where it was."""

from __future__ import annotations

import re

from ..rulefile.source import source_of
from ..rulefile.yaml_editing import Edits
from ..rulefile.yaml_tree import Node, compose
from .audit import Report
from .version_bump import RULES, raised


def amended(text: str, report: Report, prune: bool) -> str:
    """Return the rule file's text with what its sets lack added in order, and with `prune` what is unknown taken out.

    The file's version rises as the table of version_bump has it, its changelog and `checked_with` say why. Raises
    PolicyError where the text is no YAML.
    """
    source = source_of(text, "")
    parts = _parts(compose(source))
    edits = Edits(source.text)
    lines: list[str] = []
    sets = _parts(parts["sets"]) if report.sets else {}
    for finding in report.sets:
        edits.entries(sets[finding.name], finding.lacking, finding.unknown if prune else ())
        if finding.lacking:
            lines.append(f"{finding.name} has {', '.join(finding.lacking)} too")
        if prune and finding.unknown:
            lines.append(f"{finding.name} has no more {', '.join(finding.unknown)}")
    changed = bool(lines)
    checked = _parts(_parts(parts["audit"])["checked_with"]) if report.versions else {}
    for version in report.versions:
        edits.replace(checked[version.library], version.installed)
        lines.append(f"checked with {version.library} {version.installed}")
    if lines:
        version = raised(parts["version"].written, RULES["types" if changed else "words"][0])
        edits.replace(parts["version"], version)
        if "changelog" in parts:
            edits.first_key(parts["changelog"], version, lines)
    return _comments(edits.result(), report)


def _parts(node: Node) -> dict[str, Node]:
    return {key.written: value for key, value in node.items}


def _comments(text: str, report: Report) -> str:
    """Comments that name a library's old version name the new one; nothing but comments is touched."""
    for version in report.versions:
        old = re.escape(f"{version.library} {version.checked_with}") + r"(?![\w.])"
        new = f"{version.library} {version.installed}"
        text = re.sub(rf"(?m)^(\s*#.*?){old}", lambda found, new=new: f"{found[1]}{new}", text)
    return text
