"""mlxk-rules audit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...analysis.audit import Report, audit
from ...analysis.audit_fix import amended
from ...facts.wording import LIBRARIES
from ...policy import Policy
from ...problems import UsageError
from ...report.terminal import safe
from ...rulefile.document_reader import read_document
from ...rulefile.policy_names import locate
from ...rulefile.source import read
from ...storage.whole_files import write
from ..exit_codes import answered
from .common import choice_of, print_json


def run(options: dict[str, Any]) -> int:
    """Hold a rule file against the installed libraries. Returns 0 if they agree, 1 if not, 2 if none is installed."""
    from ....loaders import runtime

    file = options["FILE"] or choice_of(options).source
    path, name = locate(file)
    document = Policy.load(file).document
    if document.audit is None:
        raise UsageError("no-audit", f"`{name}` has no `audit` part", "add one: see rules/policy.yaml")
    if options["--fix"] and read_document(read(path, name)).extends:
        raise UsageError("not-fixed", f"`{name}` extends another policy", "fix the file that has the sets")
    report = audit(document, runtime())
    if len(report.absent) == len(LIBRARIES):
        from ...storage.how_installed import install_command

        raise UsageError("nothing-installed", "no MLX library is installed", install_command("all"))
    fixed = False
    if options["--fix"] and not report.clean:
        text = read(path, name).text
        after = amended(text, report, bool(options["--prune"]))
        if fixed := after != text:
            Policy.from_text(after, name)  # nothing that does not load is written
            try:
                write(path, after.replace("\n", "\r\n") if b"\r\n" in path.read_bytes() else after)
            except OSError as error:
                raise UsageError("unwritable-file", f"cannot write `{name}`: {error.strerror}", "check it") from None
    left = fixed and not options["--prune"] and any(finding.unknown for finding in report.sets)
    if options["--json"]:
        print_json({"clean": report.clean, "fixed": fixed, **_plain(report)})
    else:
        print("\n".join(_lines(report, name, fixed)))
    return answered(not left if fixed else report.clean)


def _lines(report: Report, name: str, fixed: bool) -> list[str]:
    lines: list[str] = []
    for version in report.versions:
        lines.append(
            f"{version.place}: checked with {version.library} {version.checked_with}, {version.installed} is installed"
        )
    for finding in report.sets:
        if finding.lacking:
            lines.append(
                f"{finding.place}: {finding.library} can load, `{finding.name}` lacks: {', '.join(finding.lacking)}"
            )
        if finding.unknown:
            lines.append(
                f"{finding.place}: {finding.library} does not know, `{finding.name}` has: {', '.join(finding.unknown)}"
            )
    for library in report.absent:
        lines.append(f"{name}: {library} is not installed, its sets were not held to it")
    if report.clean:
        lines.append(f"{name}: agrees with the installed libraries")
    elif fixed:
        lines.append(f"{name}: rewritten; `git diff` shows what changed")
    else:
        lines.append("`mlxk-rules audit --fix` adds what is lacking; `--prune` takes out what is unknown")
    return [safe(line) for line in lines]


def _plain(report: Report) -> dict[str, Any]:
    plain = asdict(report)
    for finding in (*plain["sets"], *plain["versions"]):
        del finding["place"]
    places = [str(finding.place) for finding in (*report.sets, *report.versions)]
    for finding, place in zip((*plain["sets"], *plain["versions"]), places, strict=True):
        finding["place"] = place
    return plain
