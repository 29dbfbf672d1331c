"""What validation found, in the formats that other programs read: JSON, SARIF, GitHub's annotations, JUnit.

Each format is one function from reports to text. What a rule file holds is data in all of them: it is escaped as the
format wants it, and no control character of it is passed on.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from ..problems import Problem
from .code_pages import Entry, codes
from .terminal import safe

UNREADABLE = frozenset({"no-file", "unreadable-file", "file-too-large", "not-utf-8"})
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Report:
    """A rule file, by the name that the person gave it, with its problems, and a line about it where it has none.

    Or a case of a policy, or an edit: `file` is then where it stands. skipped: why it was not run, or "". fails: the
    levels of problems for which it counts as failed.
    """

    name: str
    problems: tuple[Problem, ...]
    summary: str = ""
    file: str = ""
    skipped: str = ""
    fails: tuple[str, ...] = ("error",)

    @property
    def failing(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.level in self.fails)


class Kind(NamedTuple):
    """What reports are of: the command that makes them, what they are called, and what one without a fault is."""

    command: str
    things: str
    good: str
    group: str


VALIDATED = Kind("validate", "rule files", "valid", "rules")
TESTED = Kind("test", "cases", "passed", "cases")
COMPARED = Kind("diff", "edits", "without another decision", "edits")


def as_json(reports: Sequence[Report], _: Kind = VALIDATED) -> str:
    """Return one JSON value: valid, problems."""
    problems = [_plain(problem) for report in reports for problem in report.problems]
    valid = not any(report.failing for report in reports)
    return json.dumps({"valid": valid, "problems": problems}, indent=2, allow_nan=False)


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "level": problem.level,
        "message": problem.message,
        "help": problem.help,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "text": problem.text,
    }


# --- SARIF 2.1.0


def as_sarif(reports: Sequence[Report], _: Kind = VALIDATED) -> str:
    """Return a SARIF log of one run, with a rule for every code that it found."""
    found = [(report, problem) for report in reports for problem in report.problems]
    names = sorted({problem.code for _, problem in found})
    about = _about()
    rules = [_rule(name, about.get("informationUri", "")) for name in names]
    driver = {"name": "mlxk-rules", "rules": rules, **about}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [
            {"location": {"uri": uri}} for uri in dict.fromkeys(_uri(report.file or report.name) for report in reports)
        ],
        "results": [_result(report, problem, names.index(problem.code)) for report, problem in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False)


def _about() -> dict[str, str]:
    """Return the package's version, and the address at which it says its documentation or source is, if it does."""
    try:
        about = metadata("mlxk-rules")
    except PackageNotFoundError:  # run from a copy that nobody installed
        return {}
    entries = (entry.partition(",") for entry in about.get_all("Project-URL") or [])
    addresses = {label.strip().lower(): url.strip() for label, _, url in entries}
    homes = [addresses[label] for label in ("documentation", "homepage", "source") if label in addresses]
    return {"version": about["Version"], **({"informationUri": homes[0]} if homes else {})}


def _rule(code: str, home: str) -> dict[str, Any]:
    entry = codes().get(code) or Entry(code, code, code)
    rule: dict[str, Any] = {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.means},
        "help": {"text": entry.text(), "markdown": entry.markdown()},
        "defaultConfiguration": {"level": "error"},
    }
    if home:
        rule["helpUri"] = f"{home.rstrip('/')}/rules/CODES.md#{code}"
    return rule


def _result(report: Report, problem: Problem, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.file or report.file or report.name)}}
    if problem.line:
        begin = max(1, problem.column)
        region: dict[str, Any] = {"startLine": problem.line, "startColumn": begin, "endColumn": begin + problem.width}
        place["region"] = region
        snippet = {"text": safe(problem.text, "\t")}
        if begin == 1 and problem.width >= len(problem.text):
            region["snippet"] = snippet  # a context region has to be larger than its region (3.29.5)
        elif problem.text:
            place["contextRegion"] = {"startLine": problem.line, "snippet": snippet}
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": problem.level,
        "message": {"text": safe(_sentence(problem))},
        "locations": [{"physicalLocation": place}],
    }


def _sentence(problem: Problem) -> str:
    return f"{problem.message}; {problem.help}" if problem.help else problem.message


def _uri(name: str) -> str:
    """Return a file's name as a URI, relative where the file is in the repository."""
    path = Path(in_repository(name))
    text = quote(path.as_posix().encode("utf-8", "surrogatepass"), safe="/")
    return f"file://{text}" if path.is_absolute() else text


def in_repository(name: str) -> str:
    """Return a file's path from the top of its repository, as annotations want it; absolute where it is in none.

    The top is where git's folder is, else GitHub's workspace, else the working folder.
    """
    try:
        path = Path(os.path.abspath(name))
        tops = [folder for folder in path.parents if (folder / ".git").exists()][:1]
        for top in (*tops, os.environ.get("GITHUB_WORKSPACE", ""), os.getcwd()):
            if top and path.is_relative_to(top):
                return path.relative_to(top).as_posix()
    except (OSError, ValueError):
        return name
    return path.as_posix()


# --- GitHub's annotations


def as_github(reports: Sequence[Report], kind: Kind = VALIDATED) -> str:
    """Return a workflow command for each problem, and one line that counts.

    The last names no file: the runner acts on what it takes for a command wherever it stands in a line.
    """
    lines = [_annotation(report, problem) for report in reports for problem in report.problems]
    valid = sum(not report.failing for report in reports)
    return "\n".join([*lines, f"mlxk-rules {kind.command}: {valid} of {len(reports)} {kind.things} {kind.good}"])


def _annotation(report: Report, problem: Problem) -> str:
    about = {"title": f"mlxk-rules {problem.code}", "file": in_repository(problem.file or report.file or report.name)}
    if problem.line:
        end = problem.column + problem.width - 1
        about |= {"line": str(problem.line), "col": str(problem.column), "endColumn": str(end)}
    properties = ",".join(f"{key}={_property(value)}" for key, value in about.items())
    place = f"{problem._replace(file=about['file']).place}: " if problem.place else ""
    command = {"warning": "warning", "note": "notice"}.get(problem.level, "error")
    return f"::{command} {properties}::{_data(f'{place}{_sentence(problem)} [{problem.code}]')}"


def _data(text: str) -> str:
    return safe(text, "\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# --- JUnit


def as_junit(reports: Sequence[Report], kind: Kind = VALIDATED) -> str:
    """Return a test suite with a case for each report: an error where a file cannot be read, a failure for problems."""
    suite = ElementTree.Element("testsuite", name=f"mlxk-rules {kind.command}", tests=str(len(reports)))
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for report in reports:
        name, group = _xml(report.name), _xml(report.file) or kind.group
        case = ElementTree.SubElement(suite, "testcase", classname=group, name=name, time="0")
        if report.skipped:
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=_xml(report.skipped))
        failing = report.failing
        if not failing:
            continue
        how = "error" if any(problem.code in UNREADABLE for problem in failing) else "failure"
        counts[how] += 1
        count = len(failing)
        message = f"{count} problem{'s'[: count != 1]}: {failing[0].message}"
        inner = ElementTree.SubElement(case, how, type=failing[0].code, message=_xml(message))
        inner.text = "\n".join(_xml(str(problem)) for problem in report.problems)
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    if counts["skipped"]:
        suite.set("skipped", str(counts["skipped"]))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False)


def _xml(text: str) -> str:
    return _NO_XML.sub("", safe(text))


FORMATS: Mapping[str, Callable[[Sequence[Report], Kind], str]] = {
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
    "junit": as_junit,
}
