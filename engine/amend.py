"""Writes an audit's findings into a rule file: its sets, versions and changelog, with every comment where it was."""

from __future__ import annotations

import io
import re
from typing import Any

from .auditing import Report


def amended(text: str, report: Report, prune: bool) -> str:
    """Return the rule file's text with what its sets lack added in order, and with `prune` what is unknown taken out.

    The file's version rises (the middle number: other models are decided otherwise), its changelog and `checked_with`
    say why.
    """
    from ruamel.yaml import YAML  # 90 ms: only `audit --fix` writes

    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _null)
    data: Any = yaml.load(text)
    lines: list[str] = []
    for finding in report.sets:
        members = data["sets"][finding.name]
        for word in finding.lacking:
            members.insert(sum(1 for member in members if member < word), word)
        if finding.lacking:
            lines.append(f"{finding.name} has {', '.join(finding.lacking)} too")
        if prune and finding.unknown:
            for word in finding.unknown:
                members.remove(word)
            lines.append(f"{finding.name} has no more {', '.join(finding.unknown)}")
    for version in report.versions:
        data["audit"]["checked_with"][version.library] = version.installed
        lines.append(f"checked with {version.library} {version.installed}")
    if lines:
        data["version"] = _raised(str(data["version"]))
        if "changelog" in data:
            data["changelog"].insert(0, data["version"], lines)
    out = io.StringIO()
    yaml.dump(data, out)
    return _comments(out.getvalue(), report)


def _raised(version: str) -> str:
    major, minor, *_ = (*version.split("."), "0")
    return f"{major}.{int(minor) + 1}.0"


def _comments(text: str, report: Report) -> str:
    """Comments that name a library's old version name the new one; nothing but comments is touched."""
    for version in report.versions:
        old = re.escape(f"{version.library} {version.checked_with}") + r"(?![\w.])"
        new = f"{version.library} {version.installed}"
        text = re.sub(rf"(?m)^(\s*#.*?){old}", lambda found, new=new: f"{found[1]}{new}", text)
    return text


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")
