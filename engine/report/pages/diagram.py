"""The gates as a flowchart in text: Mermaid for pages that draw it, DOT for Graphviz.

Nothing of a policy stands in a chart but inside a quoted label, in which every character that could mean something to
Mermaid, Graphviz or HTML is written as a number.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...rulefile.document import Document
from ..terminal import safe
from .steps import State, Step, cut

MAX_LABEL = 90  # characters of a condition
_PLAIN = frozenset(" .,_-/")
_FILLS = {"allow": "#d8f0e2", "warn": "#fbecc9", "block": "#f9dbd8"}
_EDGES = {"allow": "#1a7f4b", "warn": "#8a5a00", "block": "#b3261e"}


def mermaid(document: Document, steps: Iterable[Step]) -> str:
    """Return a Mermaid flowchart: gates from top to bottom, decisions to their right."""
    steps = tuple(steps)
    lines = ["flowchart TD", f'  start(["{_coded(_title(document))}"]) --> g1']
    heavy = [0] if steps and steps[0].state is not State.OPEN else []
    edges = 1
    for step in steps:
        n = step.number
        condition = f"<br/>{_coded(cut(step.when, MAX_LABEL))}" if step.gate.when is not None else ""
        lines.append(f'  g{n}["{_coded(step.gate.id)}{condition}"]:::{step.state}')
        lines.append(
            f"  g{n} -- {'yes' if step.gate.when is not None else 'always'} --> "
            f'e{n}(["{_coded(f"{step.decide} {step.ends}")}"]):::{step.decide}'
        )
        heavy += [edges] if step.state is State.FIRED else []
        edges += 1
        if n < len(steps):
            lines.append(f"  g{n} -- no --> g{n + 1}")
            heavy += [edges] if step.state is State.PASSED else []
            edges += 1
    for verdict, fill in _FILLS.items():
        lines.append(f"  classDef {verdict} fill:{fill},stroke:{_EDGES[verdict]},color:#1d1f22")
    lines += [
        "  classDef open fill:#fff,stroke:#888,color:#1d1f22",
        "  classDef passed fill:#fff,stroke:#888,color:#1d1f22",
        "  classDef fired fill:#fff,stroke:#1d1f22,stroke-width:3px,color:#1d1f22",
        "  classDef beyond fill:#fff,stroke:#ddd,color:#aaa",
    ]
    if heavy:
        lines.append(f"  linkStyle {','.join(map(str, heavy))} stroke:#1d1f22,stroke-width:3px")
    return "\n".join(lines) + "\n"


def dot(document: Document, steps: Iterable[Step]) -> str:
    """Return a DOT digraph of the same."""
    steps = tuple(steps)
    lines = [
        "digraph policy {",
        '  graph [rankdir=TB, nodesep=0.5, ranksep=0.3, fontname="Helvetica"]',
        '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#888888", fontname="Helvetica"]',
        '  edge [fontname="Helvetica", fontsize=10, color="#888888"]',
        f'  start [label="{_quoted(_title(document))}", shape=plain, style=""]',
    ]
    strong = ', color="#1d1f22", penwidth=3'
    before, label, way = "start", "", any(step.state is not State.OPEN for step in steps)
    for step in steps:
        n = step.number
        condition = f"\\n{_quoted(cut(step.when, MAX_LABEL))}" if step.gate.when is not None else ""
        look = {State.FIRED: strong, State.BEYOND: ', color="#dddddd", fontcolor="#aaaaaa"'}.get(step.state, "")
        lines.append(f'  g{n} [label="{_quoted(step.gate.id)}{condition}"{look}]')
        lines.append(
            f'  e{n} [label="{_quoted(f"{step.decide} {step.ends}")}", shape=box, '
            f'fillcolor="{_FILLS[step.decide]}", color="{_EDGES[step.decide]}"]'
        )
        into = strong if way and step.state is not State.BEYOND else ""
        lines.append(f'  {before} -> g{n} [label="{label}"{into}]')
        word = "yes" if step.gate.when is not None else "always"
        lines.append(f'  g{n} -> e{n} [label="{word}", constraint=false{strong if step.state is State.FIRED else ""}]')
        lines.append(f"  {{ rank=same; g{n}; e{n} }}")
        before, label = f"g{n}", "no"
    return "\n".join([*lines, "}"]) + "\n"


def _title(document: Document) -> str:
    return f"{document.name} {document.version}"


def _coded(text: str) -> str:
    """Return text for a Mermaid label: letters, digits and a few signs as they are, the rest as `#NUMBER;`."""
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in safe(text))


def _quoted(text: str) -> str:
    """Return text for a DOT string: what could end it, and Graphviz's escapes and entities, as entities."""
    return "".join(c if c.isalnum() or c in _PLAIN else f"&#{ord(c)};" for c in safe(text))
