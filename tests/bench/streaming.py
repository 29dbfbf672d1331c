"""`mlxk-rules decide -` on many lines of facts, beside a program that reads and parses the same lines and no more."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlxk_rules.engine import Policy

from .data import Facts, folder_facts
from .environments import cache
from .measure import Figure, Spread, number, ratios, seconds
from .processes import clean_environment, program, run

_READ_ALONE = """import json, sys
for line in sys.stdin.buffer:
    json.loads(line)
"""
_KEPT = ("model", "config", "config_status", "config_has_content", "preprocessor", "processor", "tokenizer_config")
_ALSO = ("readme", "request", "runtime", "memory", "tokenizer")


def figures(section: str, count: int, rounds: int) -> Iterator[Figure]:
    few = count // 10
    many_lines, few_lines = lines(count), lines(few)
    decide = [program("mlxk-rules"), "decide", "-", "--policy", "2.0.4"]
    with tempfile.TemporaryDirectory() as home:
        environment = clean_environment(Path(home))
        answers = Path(home) / "answers"
        run(decide, environment, stdin=few_lines, stdout=answers)
        _check(answers, few)
        alone = [run([sys.executable, "-c", _READ_ALONE], environment, stdin=many_lines) for _ in range(1)]
        ours = []
        for _ in range(rounds):
            ours.append(run(decide, environment, stdin=many_lines, stdout=answers, watch=True))
            alone.append(run([sys.executable, "-c", _READ_ALONE], environment, stdin=many_lines))
        small = [run(decide, environment, stdin=few_lines, stdout=answers, watch=True) for _ in range(rounds)]
    ours_s, alone_s = [one.seconds for one in ours], [one.seconds for one in alone[1:]]
    rate = count / Spread.of(ours_s).median
    detail = f"{number(rate)} lines a second on {number(Spread.of([o.cores for o in ours]).median)} cores, "
    detail += (
        f"{seconds(Spread.of(ours_s).median)} against {seconds(Spread.of(alone_s).median)} for reading and parsing"
    )
    yield Figure(section, f"decide - on {count:,} lines", ratios(alone_s, ours_s), 0.5, True, detail)
    peaks, small_peaks = [float(one.peak) for one in ours], [float(one.peak) for one in small]
    detail = f"at most {_mib(max(peaks))} against {_mib(max(small_peaks))}, all processes"
    # Constant: the same but for where the collector stands.
    name = f"decide -, memory of {count:,} lines against {few:,}"
    yield Figure(section, name, ratios(peaks, small_peaks), 1.2, False, detail)


def lines(count: int) -> Path:
    """A file of so many lines of facts, each with a name of its own; made once in the bench's cache folder."""
    templates = [json.dumps(facts).encode().split(b"@@@") for facts in small_facts()]
    whole = sum(len(piece) for pieces in templates for piece in pieces)
    file = cache() / f"facts-{count}-{whole}.jsonl"
    if not file.exists():
        part = file.with_suffix(".part")
        with part.open("wb") as output:
            for at in range(count):
                before, after = templates[at % len(templates)]
                output.write(b"%s%d%s\n" % (before, at, after))
        part.rename(file)
    return file


def small_facts() -> list[Facts]:
    """The conformance folders' facts without those that 2.0.4 does not read, about 1 KB each; `@@@` is in each name."""
    found: list[Facts] = []
    for facts in folder_facts():
        small: dict[str, Any] = {name: facts[name] for name in (*_KEPT, *_ALSO)}
        runtime = facts["runtime"]
        types = [kind for kind in runtime["mlx_lm"]["model_types"] if kind == facts["model"]["type"]]
        small["runtime"] = {
            "python": runtime["python"],
            "mlx_lm": {"installed": True, "version": None, "model_types": types},
            "mlx_vlm": {"installed": True, "version": None},
            "mlx_audio": {"installed": True, "version": None},
        }
        small["model"] = {**facts["model"], "name": facts["model"]["name"] + "@@@", "path": "/models/any"}
        found.append(small)
    return found


def _check(answers: Path, count: int) -> None:
    policy, templates = Policy.load("2.0.4"), [json.dumps(facts) for facts in small_facts()]
    with answers.open("rb") as file:
        for at, line in enumerate(file):
            if at < 2 * len(templates):
                facts = json.loads(templates[at % len(templates)].replace("@@@", str(at)))
                of = {"line": at + 1, "model": facts["model"]["name"]}
                if json.loads(line) != {**policy.decide(facts).to_dict(), **of}:
                    raise AssertionError(f"decide answers otherwise in line {at + 1}")
    if at + 1 != count:
        raise AssertionError(f"decide answered {at + 1} of {count} lines")


def _mib(size: float) -> str:
    return f"{number(size / 1024**2)} MiB"
