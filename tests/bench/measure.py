"""Times taken by turns, in short rounds, as ratios of neighbours: a busy machine disturbs both sides alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Timer = Callable[[], float]
# Seconds: within one slice of a busy machine's scheduler most of the time, so that the median round is undisturbed.
ROUND = 0.004


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, their quartiles, and how many they were."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        ordered = sorted(values)
        if len(ordered) < 2:
            return cls(ordered[0], ordered[0], ordered[0], 1)
        low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(statistics.median(ordered), low, high, len(ordered))

    @property
    def text(self) -> str:
        return f"{number(self.median)} ({number(self.low)} to {number(self.high)}, {self.rounds} rounds)"


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio with its goal. `missing` says why there is none; a goal that was not measured is not met.

    For the plots: times has the median seconds of our side and theirs, points the seconds by size, series their name.
    """

    section: str
    name: str
    ratio: Spread | None
    goal: float | None
    at_least: bool
    detail: str
    missing: str = ""
    times: tuple[float, float] | None = None
    points: tuple[tuple[float, float], ...] = ()
    series: str = ""

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        if self.ratio is None:
            return False
        return self.ratio.median >= self.goal if self.at_least else self.ratio.median <= self.goal

    @property
    def goal_text(self) -> str:
        return "" if self.goal is None else f"{'at least' if self.at_least else 'at most'} {self.goal:g}"

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return "not measured"
        return "shown" if self.goal is None else "met" if self.met else "MISSED"

    @property
    def line(self) -> str:
        value = self.ratio.text if self.ratio is not None else self.missing
        goal = f", {self.goal_text} wanted" if self.goal is not None else ""
        return f"{self.verdict:>12}  {self.name}: {value}{goal}; {self.detail}"


def by_turns(timers: Sequence[Timer], rounds: int) -> list[list[float]]:
    """The times of each timer, taken A B, B A, A B, ... after one round that does not count."""
    for timer in timers:
        timer()
    found: list[list[float]] = [[] for _ in timers]
    for turn in range(rounds):
        order = range(len(timers)) if turn % 2 == 0 else reversed(range(len(timers)))
        for number in order:
            found[number].append(timers[number]())
    return found


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Of each round's two neighbours, not of two medians."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])


def loop(run: Callable[[], Any], count: int, at_least: float = ROUND) -> Timer:
    """A timer of `run`, which does `count` things: seconds a thing, over so many runs that a round takes `at_least`."""
    begin = time.perf_counter()
    run()
    repeats = max(1, round(at_least / max(time.perf_counter() - begin, 1e-7)))

    def timer() -> float:
        gc.disable()
        begin = time.perf_counter()
        for _ in range(repeats):
            run()
        took = time.perf_counter() - begin
        gc.enable()
        return took / repeats / count

    return timer


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"


def seconds(value: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{number(value / factor)} {unit}"
    return f"{number(value * 1e9)} ns"
