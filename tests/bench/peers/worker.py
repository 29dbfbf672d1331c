"""Runs one way of one peer in the peers' environment: `python -m tests.bench.peers.worker MODULE WAY ROWS.json`.

ROWS.json holds `rows`, what messages speak of (`about`), and the numbers of those that are timed. The first line that
it prints is JSON: every row's decision. Then for each line `decision N` or `gate N` that it is sent it prints how many
nanoseconds N rounds over the timed rows took, up to the decision or up to the gate's id.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .answer import decision_of


def main(module: str, way: str, file: str) -> None:
    peer = importlib.import_module(f".{module}", __package__)
    data = json.loads(Path(file).read_text("utf-8"))
    prepare = peer.WAYS[way]
    decisions = [decision.to_dict() for decision in _deciding(prepare(data["rows"]), data["about"])()]
    version = importlib.metadata.version(peer.DISTRIBUTION)
    about = {"name": peer.DISTRIBUTION, "version": version, "how": prepare.__doc__, "decisions": decisions}
    print(json.dumps(about), flush=True)
    gates = prepare([data["rows"][number] for number in data["timed"]])
    runs = {"gate": gates, "decision": _deciding(gates, [data["about"][number] for number in data["timed"]])}
    for line in sys.stdin:
        what, rounds = line.split()
        print(_timed(runs[what], int(rounds)), flush=True)


def _deciding(gates: Callable[[], list[str]], about: list[dict[str, Any]]) -> Callable[[], list[Any]]:
    return lambda: [decision_of(gate, row) for gate, row in zip(gates(), about, strict=True)]


def _timed(run: Callable[[], Any], rounds: int) -> int:
    gc.disable()
    begin = time.perf_counter_ns()
    for _ in range(rounds):
        run()
    took = time.perf_counter_ns() - begin
    gc.enable()
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
