"""One self-contained page: a policy, or a decision of it. No script, no request, nothing of a policy unescaped."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ...decision import Term, Trace
from ...facts.wording import LIBRARIES
from ...rulefile.document import Derivation, Place, StringSet
from ..explanation import rows_of
from ..terminal import Screen, Style
from ..text import change_lines, in_short, one_line, shown, verdict_sentence
from .markup import Html, code, el, join
from .outline import Outline, added, gives, message_text, when
from .picture import picture
from .steps import State, Step, steps

if TYPE_CHECKING:
    from ...advice.remedies import Remedy


def policy_page(view: Outline, trace: Trace | None, remedies: Sequence[Remedy] = ()) -> str:
    """Return the page of a policy, with the way of one request through its gates marked where there is a trace."""
    document = view.document
    parts = [
        _head_of("A policy of mlxk-rules", f"{document.name} {document.version}", view),
        _verdict(trace, _changes(trace, remedies)) if trace is not None else None,
        *_gates(view, trace),
        *_derived(view, trace),
        *_limits(view),
        *_sets(view),
        *_removed(view),
    ]
    return _page(f"{document.name} {document.version}", parts)


def decision_page(view: Outline, trace: Trace, remedies: Sequence[Remedy] = ()) -> str:
    """Return the page of one decision: what it is, why, what would have to change, and the way to it."""
    name = str(trace.facts.get("model", {}).get("name") or "the model")
    title = f"{trace.decision.decision}: {name}"
    head = _head_of("A decision of mlxk-rules", name, view)
    return _page(title, [head, _verdict(trace, _changes(trace, remedies)), *_gates(view, trace), *_values(trace)])


_CODE = re.compile(r"`([^`]+)`|(\{\{.*?\}\})")


def palette() -> str:
    """Return the colours, light and dark, and the fonts of a page: the rules that page.css begins with."""
    return _style().partition("* {")[0]


@cache
def _style() -> str:
    return (Path(__file__).parent / "page.css").read_text("utf-8")


def _page(title: str, parts: Iterable[str | None]) -> str:
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=rules),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"{title} - mlxk-rules"),
        el("style", Html(_style())),
    )
    foot = el("footer", "Written by mlxk-rules. The page is whole: it asks nothing of any network.")
    return f"<!doctype html>\n{el('html', head, el('body', *parts, foot), lang='en')}\n"


def _head_of(eyebrow: str, title: str, view: Outline) -> Html:
    files = [
        el("li", el("span", f"{layer.name} {layer.version}", class_="id"), el("span", layer.file, class_="place"))
        for layer in view.layers
    ]
    return el(
        "header",
        el("p", eyebrow, class_="eyebrow"),
        el("h1", title),
        el("ul", *files, class_="files", aria_label="rule files, each extending the next"),
    )


def _verdict(trace: Trace, changes: Iterable[Html] = ()) -> Html:
    decision, gate = trace.decision, trace.gates[-1]
    status = f", HTTP {decision.http_status}" if decision.http_status else ""
    error = f"{decision.error_type}{status}" if decision.error_type else None
    because = el("p", gate.error) if gate.error else _terms(gate.terms) if gate.terms else None
    messages = [one.message for one in trace.warnings] or [decision.message]
    return el(
        "section",
        el("span", decision.decision, class_=f"pill {decision.decision}"),
        el("h2", verdict_sentence(trace)),
        *(el("p", _prose(message)) for message in messages if message),
        el("p", error, class_="note") if error else None,
        *changes,
        *_needs(trace),
        *([el("h3", "Because"), because] if because is not None else []),
        el(
            "p",
            "Gate ",
            el("a", gate.id, href=f"#gate-{gate.id}", class_="id"),
            el("span", f"  {gate.file}:{gate.line}", class_="place"),
        ),
        class_=f"verdict {decision.decision}",
        aria_label="the decision",
    )


def _needs(trace: Trace) -> list[Html]:
    """The reasons of a yes, memory, sizes and folder, as `explain` tells them; versions of what is installed."""
    rows: list[Html] = []
    for label, line in rows_of(trace, Screen(Style(False))):
        text = line.lstrip("#.| ")  # the bar is a terminal's
        rows += [el("dt", label), el("dd", text)] if label else [el("dd", text)]
    runtime = trace.facts.get("runtime", {})
    there = [
        f"{LIBRARIES[name]} {runtime[name].get('version') or 'of unknown version'}"
        for name in LIBRARIES
        if runtime.get(name, {}).get("installed")
    ]
    rows += [el("dt", "installed"), el("dd", ", ".join(there) or "no backend")]
    return [el("dl", *rows, class_="needs")]


def _changes(trace: Trace, remedies: Sequence[Remedy]) -> list[Html]:
    if trace.decision.decision == "allow":
        return []
    heading, *lines = change_lines(remedies)
    return [el("h3", heading.capitalize()), el("ul", *(el("li", _prose(line)) for line in lines), class_="terms")]


def _prose(text: str) -> Html:
    """Return a message with its placeholders, and what stands in back-quotes, set as code."""
    pieces: list[str] = []
    end = 0
    for found in _CODE.finditer(text):
        pieces += [text[end : found.start()], code(found[1] or found[2])]
        end = found.end()
    return join(*pieces, text[end:])


def _terms(terms: Iterable[Term], depth: int = 0) -> Html:
    items = [
        el(
            "li",
            code(one_line(term)),
            el("span", term.why, class_="why") if term.why else None,
            _terms(term.because, depth + 1) if term.because and depth < 3 else None,
        )
        for term in terms
    ]
    return el("ul", *items, class_="terms")


def _gates(view: Outline, trace: Trace | None) -> list[Html]:
    way = steps(view.document, trace)
    fired = next((step for step in way if step.state is State.FIRED), None)
    title = f"The {len(way)} gates of {view.document.name} {view.document.version}"
    told = "From top to bottom, the first gate that fires decides. "
    if fired is not None:
        told += f"Here the gate {fired.gate.id}, number {fired.number}, fired: {fired.decide} {fired.ends}. "
        way_taken = "The heavy line is the way that this request took: the first gate that fires decides."
        note = el("p", way_taken, class_="note of-the-picture")
    else:
        every = "From top to bottom, the first gate that fires decides. The last one always fires."
        note = el("p", every, class_="note")
    heading = ("Gate", "Fires when", "Decides", "Message")
    classes = ("name", "", "verdicts", "message")
    header = [el("th", "#", scope="col", class_="number")]
    header += [el("th", word, scope="col", class_=kind) for word, kind in zip(heading, classes, strict=True)]
    return [
        el("h2", "Gates", id="gates"),
        note,
        el("figure", picture(way, title, f"{told}The table below says the same in words.")),
        el(
            "div",
            el(
                "table",
                el("thead", el("tr", *header)),
                el("tbody", *(_gate_row(step, view) for step in way)),
                class_="gates",
                aria_label="gates",
            ),
            class_="scroll",
        ),
    ]


def _gate_row(step: Step, view: Outline) -> Html:
    gate, result = step.gate, step.result
    why = None
    if result is not None and not result.fired:
        why = el("span", "; ".join(map(in_short, result.terms[:2])), class_="why")
    message = message_text(gate.message)
    return el(
        "tr",
        el("td", str(step.number), class_="number"),
        el("th", el("span", gate.id, class_="id"), _place(view, "gate", gate.id, gate.place), scope="row"),
        el("td", code(step.when), why),
        el("td", el("span", gate.decide, class_=f"pill {gate.decide}"), el("span", _ends(step), class_="ends")),
        el("td", _prose(" ".join(message.split())) if message else ""),
        id=f"gate-{gate.id}",
        class_=str(step.state),
        aria_current="step" if step.state is State.FIRED else None,
    )


def _ends(step: Step) -> str:
    gate = step.gate
    return f"{gate.error}, HTTP {gate.http}" if gate.decide == "block" else step.ends


def _derived(view: Outline, trace: Trace | None) -> list[Html]:
    if not view.document.derive:
        return []
    header = el(
        "tr",
        el("th", "Fact", scope="col", class_="name"),
        el("th", "When", scope="col"),
        el("th", "Gives", scope="col", class_="gives"),
    )
    bodies = [_derivation(part, view, trace) for part in view.document.derive]
    return [
        el("h2", "Derived facts", id="derived"),
        el("p", "In this order; of each, the first branch that matches gives the value.", class_="note"),
        el("div", el("table", el("thead", header), *bodies, class_="derived"), class_="scroll"),
    ]


def _derivation(part: Derivation, view: Outline, trace: Trace | None) -> Html:
    rows: list[Html] = []
    for number, branch in enumerate(part.branches):
        cells: list[Html | None] = []
        if number == 0:
            name = el("span", part.name, class_="id")
            value = (
                el("span", f"= {shown(trace.derived.get(part.name))}", class_="value") if trace is not None else None
            )
            place = _place(view, "derived fact", part.name, part.place)
            cells.append(el("th", name, value, place, scope="rowgroup", rowspan=len(part.branches)))
        why = el("span", branch.why, class_="why") if branch.why else None
        gives_code = code(gives(branch))
        if branch.when is None and branch.compute is not None:
            cells.append(el("td", gives_code, why, colspan=2))
        else:
            condition = code(when(branch)) if branch.when is not None else el("span", "otherwise", class_="otherwise")
            cells += [el("td", condition, why), el("td", gives_code)]
        rows.append(el("tr", *cells))
    return el("tbody", *rows, class_="branches")


def _limits(view: Outline) -> list[Html]:
    if not view.document.limits:
        return []
    rows = [
        el(
            "tr",
            el("th", el("span", part.name, class_="id"), _place(view, "limit", part.name, part.place), scope="row"),
            el("td", code(f"{part.value:g}")),
        )
        for part in view.document.limits
    ]
    header = el("tr", el("th", "Limit", scope="col"), el("th", "Value", scope="col"))
    return [el("h2", "Limits", id="limits"), el("table", el("thead", header), el("tbody", *rows))]


def _sets(view: Outline) -> list[Html]:
    if not view.document.sets:
        return []
    return [el("h2", "Sets", id="sets"), *(_set(part, view) for part in view.document.sets)]


def _set(part: StringSet, view: Outline) -> Html:
    new = added(part)
    entries = [
        el("li", word, el("span", f"added by {new[word]}", class_="place"), class_="added")
        if word in new
        else el("li", word)
        for word in part.add
    ]
    count = el("span", f"{len(part.add)}", class_="eyebrow")
    title = el("h3", el("span", part.name, class_="id"), count, _place(view, "set", part.name, part.place))
    return el("section", title, el("ul", *entries), class_="set", aria_label=part.name)


def _removed(view: Outline) -> list[Html]:
    if not view.removed:
        return []
    items = [
        el(
            "li",
            el("span", part.what, class_="id"),
            el("span", f"{part.place}, taken out by {part.by}", class_="place"),
        )
        for part in view.removed
    ]
    return [el("h2", "Taken out", id="removed"), el("ul", *items, class_="files")]


def _values(trace: Trace) -> list[Html]:
    rows = [
        el("tr", el("th", el("span", name, class_="id"), scope="row"), el("td", code(shown(value))))
        for name, value in trace.derived.items()
    ]
    header = el("tr", el("th", "Fact", scope="col"), el("th", "Value", scope="col"))
    return [
        el("h2", "Derived facts", id="derived"),
        el("table", el("thead", header), el("tbody", *rows)),
    ]


def _place(view: Outline, kind: str, name: str, place: Place) -> Html:
    return el("span", view.where(kind, name, place), class_="place")
