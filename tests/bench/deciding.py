"""Deciding: against a hand-written function, jmespath's interpreter, and other engines on the same gates."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mlxk_rules.engine import Policy
from mlxk_rules.engine.decision import Decision, Fields

from . import handwritten
from .data import Facts, folder_facts, row_asks, sample
from .environments import NotInstalled, environment, pins
from .interpreted import Interpreted, needed
from .measure import ROUND, Figure, Timer, by_turns, loop, ratios, seconds
from .peers import gates
from .peers.answer import about

SECTION = "deciding"
ROOT = Path(__file__).parents[2]
# Module of tests/bench/peers, way of it, what the figure is called, and its goal. A peer that takes Python's own
# values, as we do, is held against in that way; given another form of them, made before the clock runs, it is shown.
PEERS = (
    ("zen_gates", "expression", "zen-engine, compiled expression", 1.0),
    ("zen_gates", "table", "zen-engine, decision table", 1.0),
    ("datalogic", "session", "datalogic-py, from dicts", 1.0),
    ("datalogic", "text", "datalogic-py, from ready JSON text", None),
    ("datalogic", "batch", "datalogic-py, batch of ready handles", None),
    ("cel", "expression", "cel-expr-python", 1.0),
    ("opa", "rules", "opa-eval (regorus)", 1.0),
    ("cedar", "batch", "cedarpy, batch", 1.0),
)
TIMED = 256  # of the 3,072 rows; all of them are checked


def figures(quick: bool) -> Iterator[Figure]:
    policy = Policy.load("2.0.4")
    raw = folder_facts()
    yield from _against_python(policy, raw, 15 if quick else 151)
    yield from _against_jmespath(policy, raw, 3 if quick else 15)
    yield from against_engines(policy, row_asks(), 9 if quick else 75)


def _against_python(policy: Policy, raw: list[Facts], rounds: int) -> Iterator[Figure]:
    decide = handwritten.decide
    _same("the hand-written function", [policy.decide(facts) for facts in raw], [decide(facts) for facts in raw])
    ours, theirs = by_turns([_over(policy.decide, raw), _over(decide, raw)], rounds)
    detail = _detail(ours, theirs, "a decision of 352 from raw facts")
    yield Figure(SECTION, "hand-written Python", ratios(theirs, ours), 1.0, True, detail, times=_medians(ours, theirs))
    with patch.object(handwritten, "Decision", _filled):
        ours, theirs = by_turns([_over(policy.decide, raw), _over(decide, raw)], rounds)
    detail = _detail(ours, theirs, "the same, a decision filled slot by slot as generated code does")
    yield Figure(SECTION, "hand-written Python, filling its decisions", ratios(theirs, ours), None, True, detail)


def _filled(*values: Any) -> Decision:
    made: Any = Fields()
    made.decision, made.backend, made.gate, made.error_type, made.http_status, made.message, made.policy = values
    made.__class__ = Decision
    return made


def _against_jmespath(policy: Policy, raw: list[Facts], rounds: int) -> Iterator[Figure]:
    wanted = [policy.decide(facts) for facts in raw]
    whole = Interpreted(policy.document)
    least = Interpreted(policy.document, only=needed(policy.document))
    for peer in (whole, least):
        _same("jmespath's interpreter", wanted, [peer.decide(facts) for facts in raw])
    timers = [_over(decide, raw) for decide in (policy.decide, whole.decide, least.decide)]
    ours, all_of_it, least_of_it = by_turns(timers, rounds)
    detail = _detail(ours, all_of_it, "all of derive, then the gates, from raw facts")
    yield Figure(
        SECTION, "jmespath's interpreter", ratios(all_of_it, ours), 60.0, True, detail, times=_medians(ours, all_of_it)
    )
    detail = _detail(ours, least_of_it, "only the derived facts that gates need")
    yield Figure(SECTION, "jmespath's interpreter, spared", ratios(least_of_it, ours), None, True, detail)


def against_engines(policy: Policy, rows: list[Facts], rounds: int) -> Iterator[Figure]:
    try:
        python = environment("engines") / "python"
    except NotInstalled as error:
        for _, _, name, goal in PEERS:
            yield Figure(SECTION, name, None, goal, True, ", ".join(pins("engines")), f"cannot be installed: {error}")
        return
    # What is detected is given to both; to the peers also what the gates and messages make of it.
    given = [{**facts, "derived": policy.explain(facts).derived} for facts in rows]
    wanted = [policy.decide(facts) for facts in rows]
    numbers = [number for number, _ in sample(list(enumerate(rows)), TIMED)]
    ours = _over(policy.decide, [rows[number] for number in numbers])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        flat = {
            "rows": [gates.row_of(facts) for facts in rows],
            "about": [about(facts, facts["derived"]) for facts in given],
            "timed": numbers,
        }
        file.write_text(json.dumps(flat), "utf-8")
        for module, way, name, goal in PEERS:
            with ExitStack() as stack:
                yield from _against(ours, _Worker(stack, python, module, way, file), name, goal, wanted, rounds)


def _against(
    ours: Timer, peer: _Worker, name: str, goal: float | None, wanted: list[Decision], rounds: int
) -> Iterator[Figure]:
    if peer.error:
        yield Figure(SECTION, name, None, goal, True, "installed", f"does not run: {peer.error}")
        return
    _same(name, [decision.to_dict() for decision in wanted], peer.decisions)
    us, decision, gate = by_turns([ours, peer.timer("decision"), peer.timer("gate")], rounds)
    detail = _detail(us, decision, f"to the decision; {peer.about}")
    yield Figure(SECTION, name, ratios(decision, us), goal, True, detail, times=_medians(us, decision))
    detail = _detail(us, gate, "theirs only to the gate's id, ours to the decision with its message")
    yield Figure(SECTION, f"{name}, id alone", ratios(gate, us), None, True, detail)


class _Worker:
    """A peer in its own environment, timed there when asked."""

    def __init__(self, stack: ExitStack, python: Path, module: str, way: str, file: Path) -> None:
        command = [str(python), "-m", "tests.bench.peers.worker", module, way, str(file)]
        errors = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115 - the stack closes it
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        self._process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, **pipes))
        stack.callback(self._process.kill)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.error = ""
        if not line:
            errors.seek(0)
            self.error = (errors.read().strip().splitlines() or ["it ended"])[-1][:200]
            return
        first = json.loads(line)
        self.decisions: list[dict[str, Any]] = first["decisions"]
        self.about = f"{first['name']} {first['version']}: {first['how']}"

    def timer(self, what: str) -> Timer:
        once = self._ask(what, 1)
        repeats = max(1, round(ROUND / max(once, 1e-7)))
        return lambda: self._ask(what, repeats) / repeats / TIMED

    def _ask(self, what: str, repeats: int) -> float:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what} {repeats}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()) / 1e9


def _over(decide: Callable[[Facts], Decision], rows: list[Facts]) -> Timer:
    return loop(lambda: [decide(facts) for facts in rows], len(rows))


def _same(name: str, wanted: list[Any], found: list[Any]) -> None:
    for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
        if one != other:
            raise AssertionError(f"{name} answers otherwise in case {number}: {other}, not {one}")


def _medians(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    return sorted(ours)[len(ours) // 2], sorted(theirs)[len(theirs) // 2]


def _detail(ours: list[float], theirs: list[float], what: str) -> str:
    us, them = _medians(ours, theirs)
    return f"{seconds(us)} against {seconds(them)}, {what}"
