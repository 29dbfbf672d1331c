"""Growing: more gates, larger sets, longer policies, a million lines of facts."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jmespath.parser import Parser
from mlxk_rules.engine import Policy

from . import streaming
from .data import Facts, folder_facts
from .measure import Figure, Timer, by_turns, loop, ratios, seconds

SECTION = "growing"
_unique = itertools.count()


def figures(quick: bool) -> Iterator[Figure]:
    facts = folder_facts()[0]
    yield from _gates(facts, (10, 100, 1_000) if quick else (10, 100, 1_000, 10_000), 9 if quick else 75)
    yield from _sets(facts, (10, 1_000) if quick else (10, 100, 1_000, 10_000, 100_000), 9 if quick else 75)
    yield from _loading(facts, (100, 1_000) if quick else (1_000, 10_000), 3 if quick else 5)
    yield from streaming.figures(SECTION, 50_000 if quick else 1_000_000, 3)


def _gates(facts: Facts, sizes: tuple[int, ...], rounds: int) -> Iterator[Figure]:
    policies = [Policy.from_text(gates_text(size)) for size in sizes]
    spread: list[Timer] = []
    for size, policy in zip(sizes, policies, strict=True):
        asked = [number * (size - 1) // 63 for number in range(64)]
        spread.append(_over(policy, [_of_type(facts, f"type-{number}") for number in asked]))
        found = [policy.decide(_of_type(facts, f"type-{number}")).gate for number in asked]
        assert found == [f"gate-{number}" for number in asked]
    times = by_turns(spread, rounds)
    yield Figure(
        SECTION,
        f"{sizes[-1]:,} gates against {sizes[0]}, gates all over",
        ratios(times[-1], times[0]),
        2.0,
        False,
        _series(sizes, times),
        points=_points(sizes, times),
        series="gates",
    )
    last = policies[-1]
    ends = [_of_type(facts, f"type-{number}") for number in (0, sizes[-1] - 1)]
    first_gate, last_gate, none = by_turns(
        [_over(last, [end] * 64) for end in (*ends, _of_type(facts, "no-such-type"))], rounds
    )
    detail = f"{seconds(_median(last_gate))} against {seconds(_median(first_gate))}"
    yield Figure(
        SECTION, f"the last of {sizes[-1]:,} gates against the first", ratios(last_gate, first_gate), 2.0, False, detail
    )
    detail = f"{seconds(_median(none))}, the closing `otherwise`"
    yield Figure(
        SECTION, f"none of {sizes[-1]:,} gates against the first", ratios(none, first_gate), 2.0, False, detail
    )


def _sets(facts: Facts, sizes: tuple[int, ...], rounds: int) -> Iterator[Figure]:
    timers: list[Timer] = []
    for size in sizes:
        policy = Policy.from_text(set_text(size))
        asked = [f"type-{number * (size - 1) // 31}" for number in range(32)] + ["no-such-type"] * 32
        found = [policy.decide(_of_type(facts, word)).gate for word in asked]
        assert found == ["member"] * 32 + ["last"] * 32
        timers.append(_over(policy, [_of_type(facts, word) for word in asked]))
    times = by_turns(timers, rounds)
    name = f"a set of {sizes[-1]:,} against one of {sizes[0]}"
    ratio = ratios(times[-1], times[0])
    # Flat: what is left is noise and the processor's caches.
    yield Figure(SECTION, name, ratio, 1.5, False, _series(sizes, times), points=_points(sizes, times), series="a set")


def _loading(facts: Facts, sizes: tuple[int, ...], rounds: int) -> Iterator[Figure]:
    smaller, larger = sizes
    asked = _of_type(facts, "type-0")
    kept = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_CACHE_HOME"] = home  # what loading keeps is not for whoever runs this
        file, same = Path(home) / "grown.yaml", Path(home) / "same.yaml"
        same.write_text(gates_text(larger), "utf-8")

        def load(size: int) -> float:
            file.write_text(_never_seen(size), "utf-8")
            return _took(lambda: Policy.load(file).decide(asked))

        def load_again() -> float:
            return _took(lambda: Policy.load(same).decide(asked))

        def parse() -> float:
            text = _never_seen(larger)
            return _took(lambda: _parse_alone(text))

        few, many, again, parsed = by_turns([lambda: load(smaller), lambda: load(larger), load_again, parse], rounds)
    os.environ.pop("XDG_CACHE_HOME") if kept is None else os.environ.update(XDG_CACHE_HOME=kept)
    detail = (
        f"{seconds(_median(many))} to the first answer, against {seconds(_median(parsed))} for libyaml and jmespath"
    )
    yield Figure(SECTION, f"loading {larger:,} gates against parsing them", ratios(many, parsed), 3.0, False, detail)
    each = [[took / size for took in times] for size, times in ((smaller, few), (larger, many))]
    detail = f"{seconds(_median(each[1]))} a gate of {larger:,}, {seconds(_median(each[0]))} of {smaller:,}"
    name = f"loading, a gate of {larger:,} against one of {smaller:,}"
    # Linear: a gate costs the same, but for the collector's work on a larger heap.
    yield Figure(SECTION, name, ratios(each[1], each[0]), 1.5, False, detail)
    detail = f"{seconds(_median(again))}, the same file once more"
    yield Figure(SECTION, f"loading {larger:,} gates again against parsing", ratios(again, parsed), None, False, detail)


def gates_text(size: int) -> str:
    """A policy whose gates begin with an equality, or a membership in a set of their own, by turns."""
    sets = "\n".join(
        f"  set_{number}: [type-{number}, type-{number}-moe, type-{number}-vl]" for number in range(1, size, 2)
    )
    gates: list[str] = []
    for number in range(size):
        first = f"contains(sets.set_{number}, model.type)" if number % 2 else f"model.type == 'type-{number}'"
        more = "" if number % 3 else " && !(request.audio)"
        gates.append(
            f"  - id: gate-{number}\n    when: {first}{more}\n    decide: block\n    error: unsupported_type\n"
            f'    http: 501\n    message: "`{{{{ model.name }}}}` is of the type {{{{ model.type }}}}, refused here"\n'
        )
    return f"schema: 1\nname: grown\nversion: 1.0.0\nsets:\n{sets}\ngates:\n{''.join(gates)}{_LAST}"


def set_text(size: int) -> str:
    """A policy of one gate that asks for membership in one set."""
    members = "\n".join(f"    - type-{number}" for number in range(size))
    gate = "  - id: member\n    when: contains(sets.many, model.type)\n    decide: allow\n    backend: mlx_vlm\n"
    return f"schema: 1\nname: grown\nversion: 1.0.0\nsets:\n  many:\n{members}\ngates:\n{gate}{_LAST}"


_LAST = "  - id: last\n    otherwise: true\n    decide: allow\n    backend: mlx_lm\n"


def _never_seen(size: int) -> str:
    # A text that no cache of compiled policies has.
    return f"# {time.time_ns()} {next(_unique)}\n{gates_text(size)}"


def _parse_alone(text: str) -> None:
    Parser.purge()
    parser = Parser()
    for gate in yaml.load(text, yaml.CSafeLoader)["gates"]:
        if "when" in gate:
            parser.parse(gate["when"])
        for part in gate.get("message", "").split("{{")[1:]:
            parser.parse(part.partition("}}")[0].strip())


def _of_type(facts: Facts, kind: str) -> Facts:
    config = {**facts["config"], "model_type": kind}
    return {**facts, "model": {**facts["model"], "type": kind}, "config": config}


def _over(policy: Policy, rows: list[Facts]) -> Timer:
    decide = policy.decide
    return loop(lambda: [decide(facts) for facts in rows], len(rows))


def _took(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _series(sizes: tuple[int, ...], times: list[list[float]]) -> str:
    return ", ".join(f"{size:,}: {seconds(_median(taken))}" for size, taken in zip(sizes, times, strict=True))


def _points(sizes: tuple[int, ...], times: list[list[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(size), _median(taken)) for size, taken in zip(sizes, times, strict=True))
