"""A trace, and a rule file's problems, as text that is made to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..decision import GateResult, Term, Trace
from ..evaluator.trace import length_of
from ..facts.wording import BACKENDS, json_text, size_text
from ..problems import Problem
from .terminal import VERDICT_COLOURS, Style, columns, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..advice.remedies import Remedy


def explanation(trace: Trace, style: Style, remedies: Sequence[Remedy] = (), longest: int | None = None) -> str:
    """Return the verdict and the deciding gate first, its terms, what would have to change, the gates before it.

    longest: the longest context that fits, in tokens, where that is known.
    """
    parts = [_verdict(trace, style), because(trace.gates[-1], style), _changes(trace, remedies)]
    parts += [_others(trace, style), _about(trace, style), _sizes(trace, longest)]
    return "\n".join(line for part in parts for line in part)


def _verdict(trace: Trace, style: Style) -> list[str]:
    decision, gate = trace.decision, trace.gates[-1]
    what = verdict_sentence(trace)
    lines = [f"{style(decision.decision, VERDICT_COLOURS[decision.decision], 'bold')}  {style(what, 'bold')}"]
    if decision.message:
        lines.append(f"  {safe(decision.message)}")
    if decision.error_type:
        status = f", HTTP {decision.http_status}" if decision.http_status else ""
        lines.append(f"  {style('error', 'dim')}   {decision.error_type}{status}")
    if reason := not_rehearsed(trace):
        lines.append(f"  {style('not rehearsed', 'yellow')}: {safe(reason)}")
    policy = f"{decision.policy['name']} {decision.policy['version']}"
    place = style(f"{safe(gate.file)}:{gate.line}, policy {policy}", "dim")
    lines.append(f"  {style('gate', 'dim')}    {style(gate.id, 'bold')}  {place}")
    about = gate.about or {}
    lines += [f"  {style(key, 'dim')}{' ' * (8 - len(key))}{safe(about[key])}" for key in _SAID if key in about]
    return lines


_SAID = ("remedy", "owner", "link", "until")


def asides(trace: Trace) -> list[str]:
    """Return what gates that did not decide would: those that are observed, and those behind the one that decided."""
    lines = [
        f"observed {safe(gate.id)} would {gate.decide}{f': {safe(gate.message)}' if gate.message else ''}"
        for gate in trace.observed
        if gate.fired
    ]
    behind = [f"{safe(gate.id)} ({gate.decide})" for gate in trace.behind if gate.fired]
    return [*lines, f"behind  {', '.join(behind)} would fire too"] if behind else lines


def verdict_sentence(trace: Trace) -> str:
    """Return what was decided of which model, in one sentence."""
    decision = trace.decision
    name = safe(str(trace.facts.get("model", {}).get("name") or "the model"))
    return {
        "allow": f"{BACKENDS[decision.backend]} may load {name}",
        "warn": f"{BACKENDS[decision.backend]} may load {name}, with a warning",
        "block": f"{name} is not to be loaded",
    }[decision.decision]


def not_rehearsed(trace: Trace) -> str | None:
    """Return why an answer that lets a model load rests on its files alone; None where it does not, or says no."""
    told = trace.facts.get("dry_run")
    one = told.get(trace.decision.backend) if isinstance(told, dict) else None
    if not isinstance(one, dict) or one.get("status") != "not_done" or "rehearsal" not in trace.derived:
        return None
    return str(one.get("reason") or "the backend was not asked")


def because(gate: GateResult, style: Style) -> list[str]:
    """Return the terms that made a gate fire, headed by an empty line and a word."""
    if gate.error:
        return ["", "because", f"  {safe(gate.error)}"]
    if not gate.terms:
        return ["", "because no gate before it fired"]
    return ["", "because", *_terms(gate.terms, style, 1)]


def _changes(trace: Trace, remedies: Sequence[Remedy]) -> list[str]:
    if trace.decision.decision == "allow":
        return []
    heading, *lines = change_lines(remedies)
    return ["", heading, *(f"  {safe(line)}" for line in lines)]


def change_lines(remedies: Sequence[Remedy]) -> list[str]:
    """Return a heading and the remedies, one a line; or, of none, one line that says so."""
    if not remedies:
        return ["what would have to change", "nothing that is known to help, alone or with one more change"]
    more = ": one of these" if len(remedies) > 1 else ""
    return [f"what would have to change{more}", *(remedy.text for remedy in remedies)]


def _terms(terms: Iterable[Term], style: Style, depth: int) -> list[str]:
    lines: list[str] = []
    for term in terms:
        why = f"  {style(safe(term.why), 'dim')}" if term.why else ""
        lines.append(f"{'  ' * depth}{safe(one_line(term))}{why}")
        if depth < 3:
            lines.extend(_terms(term.because, style, depth + 1))
    return lines


def one_line(term: Term) -> str:
    """Return a term as `expression: value, fact = value`."""
    text = " ".join(term.text.split())
    facts = [f"{name} = {shown(value)}" for name, value in term.facts.items()]
    if facts and len(term.facts) == 1 and text in term.facts:
        return facts[0]
    return f"{text} is {shown(term.value)}" + (f", with {', '.join(facts)}" if facts else "")


def in_short(term: Term) -> str:
    """Return a term in one line; with a derived fact what it was computed from, as its name alone says little."""
    inner = term.because[0] if term.because and term.text in term.facts else None
    return f"{one_line(term)} ({term.why or one_line(inner)})" if inner is not None else one_line(term)


def shown(value: Any) -> str:
    """Return a value in JSON, cut where it is long."""
    text = f"{value:.4g}" if isinstance(value, float) else json_text(value)
    if len(text) > 60 and isinstance(value, list):
        return f"a list of {length_of(value)}"
    if len(text) > 60 and isinstance(value, dict):
        return f"an object of {length_of(value)} keys"
    return text if len(text) <= 100 else f"{text[:97]}..."


def _others(trace: Trace, style: Style) -> list[str]:
    before = trace.gates[:-1]
    if not before:
        return []
    rows = columns([(gate.id, "; ".join(map(in_short, gate.terms[:2]))) for gate in before])
    return ["", "gates before it that did not fire", *(f"  {gate}  {style(safe(why), 'dim')}" for gate, why in rows)]


def _about(trace: Trace, style: Style) -> list[str]:
    facts = trace.facts
    model, memory = facts.get("model", {}), facts.get("memory", {})
    kind = model.get("type") or "no model type"
    size, total = model.get("size_bytes"), memory.get("total_bytes")
    can = ", ".join(trace.capabilities) or "nothing known"
    lines = ["", f"model   {safe(str(kind))}, {size_text(size)} of {size_text(total)} memory; {can}"]
    runtime = facts.get("runtime", {})
    for key in ("mlx_lm", "mlx_vlm", "mlx_audio"):
        about = runtime.get(key, {})
        state = f"{about.get('version') or 'of unknown version'}" if about.get("installed") else "not installed"
        lines.append(f"{'runtime' if key == 'mlx_lm' else '       '} {BACKENDS[key]} {safe(state)}")
    for fact, reason in list(facts.get("problems", {}).items())[:8]:
        lines.append(style(f"unread  {safe(str(fact))}: {safe(str(reason))}", "yellow"))
    return lines


def _sizes(trace: Trace, longest: int | None) -> list[str]:
    lines: list[str] = []
    if trace.decision.allowed and isinstance(needs := trace.derived.get("memory_sum"), str):
        lines.append(f"needs   {safe(needs)}")
    if longest is not None:
        lines.append(f"context at most {longest} tokens of prompt and answer fit here")
    for backend, one in trace.facts.get("dry_run", {}).items():
        if backend in BACKENDS and isinstance(one, dict) and one.get("status") in ("ok", "failed"):
            where = f" in {one['phase']}: {one['reason']}" if one["status"] == "failed" else ""
            lines.append(f"dry run {BACKENDS[backend]} {safe(str(one['status']) + where)}")
    return lines


def problem_report(problem: Problem, style: Style) -> str:
    """Return a problem with its place, the line it is in, a caret below, and what to do."""
    head = f"{style(safe(problem.place), 'bold')}: " if problem.place else ""
    colour = {"warning": "yellow", "note": "blue"}.get(problem.level, "red")
    lines = [f"{head}{style(f'{problem.level}[{problem.code}]', colour, 'bold')}: {safe(problem.message)}"]
    if problem.text:
        # Cut long lines around the place, so that the caret stays below it.
        begin = max(0, problem.column - 81)
        text = safe(problem.text[begin : begin + 120].replace("\t", " "))
        number = str(problem.line)
        width = max(1, min(problem.width, 121 - (problem.column - begin)))
        lines.append(f"  {style(number, 'dim')} {style('|', 'dim')} {text}")
        lines.append(
            f"  {' ' * len(number)} {style('|', 'dim')} {' ' * (problem.column - 1 - begin)}{style('^' * width, 'red')}"
        )
    if problem.help:
        lines.append(f"  {style('help', 'blue')}: {safe(problem.help)}")
    return "\n".join(lines)
