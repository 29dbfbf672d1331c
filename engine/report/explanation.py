"""The answer of `explain`, on one screen and in a user's words; the gates themselves only where they are asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..decision import Trace
from ..facts.wording import BACKENDS, size_text
from ..problems import near
from .machines import machine_table, machines_text
from .memory_sum import bar, memory_sum, sum_text
from .terminal import VERDICT_COLOURS, Screen, safe
from .text import because, change_lines, gate_lines, not_rehearsed, verdict_sentence

if TYPE_CHECKING:
    from typing import Any

    from ..advice.remedies import Remedy
    from ..decision import GateResult

_LABEL = 10  # columns
_INDENT = " " * (_LABEL + 2)
_BAR = 30
_ABILITIES = {
    "text-generation": "text",
    "chat": "chat",
    "embeddings": "embeddings",
    "vision": "images (--image)",
    "audio": "audio (--audio)",
}
_SAID = ("remedy", "owner", "link", "until")  # of a gate, what its author says beside the message
_FEW = 8  # of what could not be read


def explanation(
    trace: Trace,
    screen: Screen,
    remedies: Sequence[Remedy] = (),
    longest: int | None = None,
    *,
    why: bool = False,
    gates: bool = False,
    notes: Sequence[tuple[str, str]] = (),
) -> str:
    """Return what was decided, why in a user's words, what it needs, what would have to change, where the rule stands.

    longest: the longest context that fits, in tokens, where that is known. why: the terms that decided, too; gates: all
    gates tried, with their values. notes: lines of whoever asks, each a label and a text that stays whole, such as a
    command.
    """
    lines = [*_verdict(trace, screen), ""]
    if trace.decision.decision != "allow":
        lines += [*_changes(trace, screen, remedies), ""]
    rows = [*rows_of(trace, screen, longest), *notes, *_rule(trace)]
    for name, text in rows:
        first, *rest = screen.wrapped(text, _INDENT, _INDENT) if (name, text) not in notes else [_INDENT + text]
        lines += [f"  {screen.style(name.ljust(_LABEL), 'dim')}{first[len(_INDENT) :]}", *rest]
    if trace.decision.allowed or trace.decision.error_type == "insufficient_memory":
        table = machine_table(trace)
        lines += ["", *(f"  {line}" for line in table)] if table else []
    if why:
        lines += because(trace.gates[-1], screen.style, screen) if trace.gates else []
    if gates:
        lines += gate_lines(trace, screen)
    return "\n".join(lines)


def _verdict(trace: Trace, screen: Screen) -> list[str]:
    decision, style = trace.decision, screen.style
    name, rest = decision.decision, verdict_sentence(trace)
    first, *more = screen.wrapped(rest, " " * (len(name) + 2), " " * (len(name) + 2))
    lines = [f"{style(name, VERDICT_COLOURS[name], 'bold')}  {style(first[len(name) + 2 :], 'bold')}"]
    lines += [style(line, "bold") for line in more]
    messages = [one.message for one in trace.warnings] or [decision.message]
    for message in messages:
        mark = "- " if len(messages) > 1 else ""
        lines += screen.wrapped(safe(message), f"  {mark}", f"  {' ' * len(mark)}") if message else []
    return lines


def _changes(trace: Trace, screen: Screen, remedies: Sequence[Remedy]) -> list[str]:
    heading, *lines = change_lines(remedies)
    mark = "- " if remedies else ""
    return [
        heading,
        *(line for text in lines for line in screen.wrapped(safe(text), f"  {mark}", f"  {' ' * len(mark)}")),
    ]


def rows_of(trace: Trace, screen: Screen, longest: int | None = None) -> list[tuple[str, str]]:
    """Return what a person asks of a model next: each a label, "" where it goes on, and a text."""
    return [*_reasons(trace), *_memory(trace, screen, longest), *_about(trace)]


def _reasons(trace: Trace) -> list[tuple[str, str]]:
    """What a person has for a yes: the type and who has it, the weights, and what the backend itself said."""
    decision, facts = trace.decision, trace.facts
    if not decision.allowed:
        return []
    rows: list[tuple[str, str]] = []
    if kind := facts.get("model", {}).get("type"):
        who = _backends_with(str(kind), facts.get("runtime", {}))
        has = f", which {who} {'have' if ' and ' in who else 'has'}" if who else ""
        rows.append(("type", safe(f"{kind}{has}")))
    files = facts.get("weights", {}).get(decision.backend, {})
    if names := files.get("files"):
        many = f"{len(names)} file{'s' * (len(names) != 1)}"
        whole = not files.get("faults") and not files.get("missing_shards")
        size = size_text(files.get("size_bytes"))
        rows.append(("weights", f"whole: {size} in {many}" if whole else f"{size} in {many}"))
    told = facts.get("dry_run", {}).get(decision.backend, {})
    if reason := not_rehearsed(trace):
        rows.append(("dry run", f"not done: {safe(reason)}"))
    elif told.get("status") == "ok":
        reads = "the tokenizer and the chat template work" if trace.derived.get("chat") else "the tokenizer works"
        if decision.backend == "mlx_audio":
            reads = "the processor works"
        rows.append(("dry run", f"{BACKENDS[decision.backend]} takes it: every weight has its place, {reads}"))
    return rows


def _backends_with(kind: str, runtime: dict[str, Any]) -> str:
    """The installed backends that have a type, as words; mlx-vlm writes types in lower case."""
    found = [
        BACKENDS[backend]
        for backend in ("mlx_lm", "mlx_vlm", "mlx_audio")
        if {kind, kind.lower()} & set(runtime.get(backend, {}).get("model_types") or ())
    ]
    return " and ".join(found)


def _memory(trace: Trace, screen: Screen, longest: int | None) -> list[tuple[str, str]]:
    decision = trace.decision
    if not decision.allowed and decision.error_type != "insufficient_memory":
        return []
    rows: list[tuple[str, str]] = []
    memory = memory_sum(trace)
    if (machines := machines_text(trace)) is not None:
        rows.append(("machines", machines))
    elif memory is None:
        size, total = (trace.facts.get(a, {}).get(b) for a, b in (("model", "size_bytes"), ("memory", "total_bytes")))
        rows.append(("memory", f"{size_text(size)} of files, and {size_text(total)} of memory here"))
    else:
        # A message that tells the sum tells it once.
        said = trace.derived.get("memory_sum")
        if not (isinstance(said, str) and decision.message and said in decision.message):
            rows.append(("memory", sum_text(memory)))
        if memory.share is not None and memory.total is not None:
            limit = memory.limit / memory.total if memory.limit is not None else None
            drawn = bar(memory.share, limit, _BAR, screen.blocks)
            of = f"{_percent(memory.share)} of {size_text(memory.total)}"
            mostly = f", of which {size_text(memory.limit)} may be used" if memory.limit is not None else ""
            over = f": {size_text(memory.over)} over" if memory.over else ""
            rows.append(("" if rows else "memory", f"{drawn} {of}{mostly}{over}"))
    if decision.allowed and longest is not None:
        made_for = trace.facts.get("dry_run", {}).get(decision.backend, {}).get("context_tokens")
        if made_for is None:
            more = ""
        elif longest >= made_for:
            more = ", as many as it was made for"
        else:
            more = f" (it was made for {made_for:,})"
        rows.append(("context", f"up to {longest:,} tokens of prompt and answer fit here{more}"))
    return rows


def _percent(share: float) -> str:
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"


def _about(trace: Trace) -> list[tuple[str, str]]:
    model = trace.facts.get("model", {})
    rows: list[tuple[str, str]] = []
    if trace.decision.allowed and trace.capabilities:
        rows.append(("can do", ", ".join(_ABILITIES.get(one, safe(str(one))) for one in trace.capabilities)))
    if path := model.get("path"):
        where, revision = folder_and_revision(str(path))
        size = size_text(model.get("size_bytes"))
        rows.append(("folder", safe(f"{where}, {size}" + (f", revision {revision}" if revision else ""))))
    for fact, reason in list(trace.facts.get("problems", {}).items())[:_FEW]:
        rows.append(("unread", safe(f"{fact}: {reason}")))
    return rows


def folder_and_revision(path: str) -> tuple[str, str | None]:
    """Return a model's folder as a person would write it, and the revision where it is a cache's snapshot."""
    above, name = os.path.split(path)
    revision = name[:12] if os.path.basename(above) == "snapshots" else None
    home = os.path.join(os.path.expanduser("~"), "")
    if len(home) > 2 and path.startswith(home):
        return f"~/{path[len(home) :]}", revision
    return near(path), revision


def _rule(trace: Trace) -> list[tuple[str, str]]:
    decision = trace.decision
    rows: list[tuple[str, str]] = []
    if decision.error_type and trace.facts.get("request", {}).get("context") == "server":
        status = f", HTTP {decision.http_status}" if decision.http_status else ""
        rows.append(("error", f"{safe(decision.error_type)}{status}"))
    if trace.gates:
        rows.append(("gate", _gate(trace.gates[-1], trace)))
        about = trace.gates[-1].about or {}
        rows += [(key, safe(about[key])) for key in _SAID if key in about]
    return [*rows, *_asides(trace)]


def observed(trace: Trace) -> list[str]:
    """Return what the gates that are only observed would decide."""
    return [
        f"{safe(gate.id)} would {gate.decide}{f': {safe(gate.message)}' if gate.message else ''}"
        for gate in trace.observed
        if gate.fired
    ]


def _asides(trace: Trace) -> list[tuple[str, str]]:
    """Return what gates that did not decide would: those that are observed, and those behind the one that decided."""
    rows = [("observed", text) for text in observed(trace)]
    behind = [f"{safe(gate.id)} ({gate.decide})" for gate in trace.behind if gate.fired]
    return [*rows, ("behind", f"{', '.join(behind)} would fire too")] if behind else rows


def _gate(gate: GateResult, trace: Trace) -> str:
    policy = trace.decision.policy
    return f"{gate.id}  {safe(gate.file)}:{gate.line}, policy {safe(policy['name'])} {safe(policy['version'])}"
