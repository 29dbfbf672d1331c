"""The page with the figures, how they were taken, and the plots."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .environments import PINS
from .measure import Figure, number
from .plots import bars, lines

HERE = Path(__file__).parent
RESULTS = HERE / "results"
_METHOD = HERE / "method.md"
Runs = Sequence[Sequence[Figure]]

_HEADS = {
    "deciding": "Deciding",
    "growing": "Growing",
    "starting": "Starting",
    "listing": "Many models",
}


def write(runs: Runs) -> None:
    """Write figures.json, the plots and RESULTS.md."""
    RESULTS.mkdir(exist_ok=True)
    plain = {"machine": machine(), "runs": [[_plain(figure) for figure in figures] for figures in runs]}
    (RESULTS / "figures.json").write_text(json.dumps(plain, indent=1) + "\n", "utf-8")
    for name, text in _plots(runs[-1]).items():
        (RESULTS / name).write_text(text, "utf-8")
    (HERE / "RESULTS.md").write_text(page(runs), "utf-8")


def page(runs: Runs) -> str:
    """The page as Markdown; its figures are those of the last run, with the medians of all."""
    last = runs[-1]
    goals = [figure for figure in last if figure.goal is not None]
    missed = {figure.name for figures in runs for figure in figures if not figure.met}
    times = f" in each of {len(runs)} runs" if len(runs) > 1 else ""
    sentence = f"{len(goals) - len(missed)} of {len(goals)} goals met{times}"
    out = ["# How fast it is\n", f"{sentence}, on {machine()}. The command that writes this page:\n"]
    out.append(f"```\npython -m tests.bench{f' --runs {len(runs)}' if len(runs) > 1 else ''} --write\n```\n")
    plots = _plots(last)
    for section, head in _HEADS.items():
        rows = [figure for figure in last if figure.section == section]
        if not rows:
            continue
        out.append(f"## {head}\n\n| ratio | median (quartiles) | goal | | |\n|---|---|---|---|---|")
        out += [_row(figure, runs) for figure in rows]
        out.append("")
        out += [f"![{name.partition('.')[0]}](results/{name})\n" for name in plots if name.startswith(section)]
    peers = [line for line in PINS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    names = ", ".join(f"`{line.partition(';')[0]}`" for line in peers)
    out.append(f"{_METHOD.read_text('utf-8')}\nPeers: {names}; jmespath {version('jmespath')}.\n")
    return "\n".join(out).replace("\n\n\n", "\n\n")


def machine() -> str:
    """What the figures were taken on, without naming it."""
    about = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{about}, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else about


def _row(figure: Figure, runs: Runs) -> str:
    value = figure.ratio.text if figure.ratio is not None else figure.missing
    if len(runs) > 1:
        each = [one.ratio for figures in runs for one in figures if one.name == figure.name and one.ratio is not None]
        value += f"; runs: {', '.join(number(ratio.median) for ratio in each)}"
    return f"| {figure.name} | {value} | {figure.goal_text} | {figure.verdict} | {figure.detail} |"


def _plain(figure: Figure) -> dict[str, Any]:
    return dataclasses.asdict(figure) | {"verdict": figure.verdict}


def _plots(figures: Sequence[Figure]) -> dict[str, str]:
    found: dict[str, str] = {}
    timed = {figure.name: figure.times for figure in figures if figure.section == "deciding" and figure.times}
    raw = {name: times for name, times in timed.items() if name in ("hand-written Python", "jmespath's interpreter")}
    if raw:
        rows = [(name, theirs) for name, (_, theirs) in raw.items()]
        rows.append(("mlxk-rules", min(ours for ours, _ in raw.values())))
        found["deciding-raw.svg"] = bars("A decision from raw facts (logarithmic)", rows, "mlxk-rules")
    gates = {name: times for name, times in timed.items() if name not in raw and "spared" not in name}
    gates = {name: times for name, times in gates.items() if not name.endswith("id alone")}
    if gates:
        rows = [(name, theirs) for name, (_, theirs) in gates.items()]
        rows.append(("mlxk-rules", sorted(ours for ours, _ in gates.values())[len(gates) // 2]))
        found["deciding-gates.svg"] = bars("A decision by the gates alone (logarithmic)", rows, "mlxk-rules")
    series = [(figure.series, figure.points) for figure in figures if figure.points]
    if series:
        found["growing.svg"] = lines("A decision as a policy grows", "gates, or entries of a set", series)
    return found
