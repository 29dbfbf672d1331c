"""A trace's parts, and a rule file's problems, as text that is made to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..decision import GateResult, Term, Trace
from ..evaluator.trace import length_of
from ..facts.wording import BACKENDS, json_text
from ..problems import Problem
from .terminal import Screen, columns, safe

if TYPE_CHECKING:
    from typing import Any

    from ..advice.remedies import Remedy
    from .terminal import Style


def verdict_sentence(trace: Trace) -> str:
    """Return what was decided of which model, by which version of the backend, in one sentence."""
    decision, facts = trace.decision, trace.facts
    name = safe(str(facts.get("model", {}).get("name") or "the model"))
    if not decision.allowed:
        return f"{name} is not to be loaded"
    version = facts.get("runtime", {}).get(decision.backend, {}).get("version")
    backend = f"{BACKENDS[decision.backend]} {safe(str(version))}" if version else BACKENDS[decision.backend]
    request = facts.get("request", {})
    asked = [word for word in ("images", "audio") if request.get(word)]
    for_what = f" for {' and '.join(asked)}" if asked else ""
    return f"{backend} may load {name}{for_what}{', with a warning' if decision.decision == 'warn' else ''}"


def not_rehearsed(trace: Trace) -> str | None:
    """Return why an answer that lets a model load rests on its files alone; None where it does not, or says no."""
    told = trace.facts.get("dry_run")
    one = told.get(trace.decision.backend) if isinstance(told, dict) else None
    if not isinstance(one, dict) or one.get("status") != "not_done" or "rehearsal" not in trace.derived:
        return None
    return str(one.get("reason") or "the backend was not asked")


def because(gate: GateResult, style: Style, screen: Screen | None = None) -> list[str]:
    """Return the terms that made a gate fire, headed by an empty line and a word. Each of them stands there once."""
    screen = screen or Screen(style)
    if gate.error:
        return ["", "because", *screen.wrapped(safe(gate.error), "  ", "  ")]
    if not gate.terms:
        return ["", "because no gate before it fired"]
    return ["", "because", *_terms(gate.terms, screen, 1, set())]


def change_lines(remedies: Sequence[Remedy]) -> list[str]:
    """Return a heading and the remedies, one a line; or, of none, one line that says so."""
    if not remedies:
        return ["what would have to change", "nothing that is known to help, alone or with one more change"]
    more = ": one of these" if len(remedies) > 1 else ""
    return [f"what would have to change{more}", *(remedy.text for remedy in remedies)]


def _terms(terms: Iterable[Term], screen: Screen, depth: int, seen: set[str]) -> list[str]:
    lines: list[str] = []
    for term in terms:
        text = safe(one_line(term))
        if text in seen:
            continue
        seen.add(text)
        indent = "  " * depth
        lines += screen.wrapped(f"{text}  {safe(term.why)}" if term.why else text, indent, f"{indent}    ")
        if depth < 3:
            lines += _terms(term.because, screen, depth + 1, seen)
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


def gate_lines(trace: Trace, screen: Screen) -> list[str]:
    """Return every gate that was tried, in order, with the terms and values that made it fire or not."""
    rows = columns([(gate.id, "; ".join(map(in_short, gate.terms[:2]))) for gate in trace.gates])
    lines = ["", f"the {len(rows)} gates that were tried, from the first on: the last one decided"]
    for gate, why in rows:
        first, *rest = screen.wrapped(safe(why), "  ".ljust(len(gate) + 4), "      ")
        lines += [f"  {gate}  {screen.style(first[len(gate) + 4 :], 'dim')}".rstrip()]
        lines += [screen.style(line, "dim") for line in rest]
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
