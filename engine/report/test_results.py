"""Results of a policy's cases as text that is made to be read, and as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..rulefile.source import Source
from ..testing.coverage import Coverage, Point
from ..testing.mutation.mutants import KINDS
from ..testing.mutation.survivors import Mutation, Verdict
from ..testing.outcome import Failure
from .terminal import Style, columns, safe
from .text import because, shown

MAX_SHOWN = 60


def failed(found: Sequence[Failure], style: Style) -> list[str]:
    """Return the failed cases; of one that `each` repeats, those that fail alike are told once."""
    alike: dict[Any, list[Failure]] = {}
    for one in found:
        alike.setdefault((one.run.place, repr(one.differences)), []).append(one)
    lines: list[str] = []
    for first, *more in alike.values():
        lines.append(failure(first, style))
        if more:
            lines.append(f"  and {len(more)} more alike: {safe(', '.join(one.run.entry for one in more))}")
        lines.append("")
    return lines


def failure(found: Failure, style: Style) -> str:
    """Return a failed case: expected against got, the gate that fired with its line, and the terms that decided."""
    gate, place = found.trace.gates[-1] if found.trace.gates else None, found.run.place
    lines = [f"{style('FAILED', 'red', 'bold')}  {style(safe(found.run.name), 'bold')}  {style(str(place), 'dim')}"]
    rows = [(part.key, f"expected {_value(part.wanted)},", f"got {_value(part.got)}") for part in found.differences]
    lines += ["  " + "  ".join(row) for row in columns(rows)]
    if gate is not None:
        lines.append(f"  fired  {style(gate.id, 'bold')}  {style(f'{safe(gate.file)}:{gate.line}', 'dim')}")
        lines += [f"  {line}" for line in because(gate, style) if line]
    return "\n".join(lines)


def _value(value: Any) -> str:
    return safe(value if isinstance(value, str) else shown(value))


def totals(coverage: Coverage, style: Style) -> list[str]:
    """Return coverage in percent, by kind, and what is uncovered with its line."""
    counts = [f"{name} {seen}/{of}" for name, kind in _NAMES for seen, of in [coverage.of(kind)] if of]
    colour = "green" if not coverage.missed else "yellow"
    lines = [f"coverage  {style(f'{coverage.percent:.1f} %', colour, 'bold')}  {', '.join(counts)}"]
    missed = coverage.missed
    lines += [f"  {style(f'{safe(point.file)}:{point.line}', 'dim')}  {safe(point.missing)}" for point in missed]
    return lines


_NAMES = (("gates fired and not", "gate"), ("terms true and false", "term"), ("derive branches", "branch"))


def annotated(coverage: Coverage, source: Source, style: Style) -> list[str]:
    """Return the lines of a rule file that coverage speaks of, marked: + seen, ~ in part, ! not at all."""
    points: dict[int, list[Point]] = {}
    for point in coverage.points:
        if point.file == source.name:
            points.setdefault(point.line, []).append(point)
    if not points:
        return []
    lines = [style(safe(source.name), "bold")]
    text = source.text.split("\n")
    last = 0
    for number in sorted(points):
        # Lines between, where they belong together: a condition over several lines is shown whole.
        for between in range(last + 1, number) if 0 < number - last <= 3 else ():
            if text[between - 1].strip():
                lines.append(style(f"{between:5}     {safe(text[between - 1])}", "dim"))
        if last and number - last > 3:
            lines.append(style("       ...", "dim"))
        here = points[number]
        seen = sum(point.seen for point in here)
        mark, colour = ("+", "green") if seen == len(here) else ("~", "yellow") if seen else ("!", "red")
        lines.append(f"{number:5}  {style(mark, colour)}  {safe(text[number - 1])}")
        for point in here:
            if not point.seen:
                lines.append(style(f"       {mark}  ^ {safe(point.missing)}", colour))
        last = number
    return lines


def mutation(found: Mutation, style: Style) -> list[str]:
    """Return the score by kind of mutant, and every mutant that no case noticed with its line."""
    colour = "green" if not found.survivors else "yellow"
    noticed, explained, every = found.score()
    head = f"mutants   {style(f'{found.percent():.1f} %', colour, 'bold')}  {noticed} of {every} noticed"
    lines = [f"{head}, {explained} explained, {len(found.survivors)} left"]
    rows: list[tuple[str, str, str]] = []
    for kind, words in KINDS.items():
        noticed, explained, every = found.score(kind)
        if every:
            rest = f"{explained} explained" if explained else ""
            rows.append((words, f"{noticed}/{every}", rest))
    lines += ["  " + "  ".join(row).rstrip() for row in columns(rows, right=(1,))]
    if repeated := sum(verdict.repeated for verdict in found.verdicts):
        lines.append(
            f"  {repeated} entries are noticed only by a case with `each` over their own set: it shows that they\n"
            "  decide something, not that they belong there (`mlxk-rules audit` does); without any entry the score is "
            f"{found.percent(entries=False):.1f} %"
        )
    if found.invalid:
        lines.append(f"  {found.invalid} more do not load: `mlxk-rules validate` notices those")
    survivors = [verdict for verdict in found.survivors if verdict.mutant.kind != "entry"]
    if found.survivors:
        lines.append("no case notices:")
    lines += _entries(found, style)
    lines += [_survivor(verdict, style) for verdict in survivors[:MAX_SHOWN]]
    if len(survivors) > MAX_SHOWN:
        left = Counter(verdict.mutant.kind for verdict in survivors[MAX_SHOWN:])
        kinds = ", ".join(f"{count} {kind}" for kind, count in left.items())
        lines.append(f"  and {len(survivors) - MAX_SHOWN} more ({kinds}); --json has them all")
    for id, part in found.stale:
        lines.append(f"{part.place}: explained, but noticed by a case, or no mutant: {safe(id)}")
    return lines


def _entries(found: Mutation, style: Style) -> list[str]:
    # A set's entries in one paragraph: there may be hundreds.
    sets: dict[str, list[Verdict]] = {}
    for verdict in found.survivors:
        if verdict.mutant.kind == "entry":
            sets.setdefault(verdict.mutant.set, []).append(verdict)
    lines: list[str] = []
    for name, verdicts in sets.items():
        first, last = verdicts[0].mutant, verdicts[-1].mutant
        place = f"{safe(first.file)}:{first.line}" + (f"-{last.line}" if last.line != first.line else "")
        words = ", ".join(verdict.mutant.word for verdict in verdicts)
        lines.append(f"  {style(place, 'dim')}  {len(verdicts)} removed from `sets.{name}`: {safe(words)}")
        lines.append(f"    {style(f'sets.{name}/without WORD', 'dim')}")
    return lines


def _survivor(verdict: Verdict, style: Style) -> str:
    mutant = verdict.mutant
    place = style(f"{safe(mutant.file)}:{mutant.line}", "dim")
    return f"  {place}  {safe(mutant.words)}\n    {style(safe(mutant.id), 'dim')}"


# --- plain data


def plain_failure(found: Failure) -> dict[str, Any]:
    gate = found.trace.gates[-1] if found.trace.gates else None
    return {
        "name": found.run.name,
        "file": found.run.place.source.name,
        "line": found.run.place.line,
        "differences": [{"key": d.key, "expected": d.wanted, "got": d.got} for d in found.differences],
        "decision": found.trace.decision.to_dict(),
        "gate": gate.to_dict() if gate is not None else None,
    }


def plain_coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "percent": round(coverage.percent, 2),
        **{f"{kind}s" if kind != "branch" else "branches": list(coverage.of(kind)) for _, kind in _NAMES},
        "uncovered": [
            {"kind": p.kind, "of": p.owner, "file": p.file, "line": p.line, "missing": p.missing}
            for p in coverage.missed
        ],
    }


def plain_mutation(found: Mutation) -> dict[str, Any]:
    noticed, explained, every = found.score()
    return {
        "percent": round(found.percent(), 2),
        "percent_without_entries": round(found.percent(entries=False), 2),
        "mutants": every,
        "noticed": noticed,
        "explained": explained,
        "noticed_by_each_of_own_set": sum(verdict.repeated for verdict in found.verdicts),
        "not_loading": found.invalid,
        "kinds": {
            kind: dict(zip(("noticed", "explained", "mutants"), found.score(kind), strict=True)) for kind in KINDS
        },
        "survivors": [
            {
                "id": v.mutant.id,
                "kind": v.mutant.kind,
                "words": v.mutant.words,
                "file": v.mutant.file,
                "line": v.mutant.line,
            }
            for v in found.survivors
        ],
        "stale": [{"id": id, "file": part.place.source.name, "line": part.place.line} for id, part in found.stale],
    }
