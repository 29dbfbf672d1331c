"""The facts that everything is measured over: the conformance data of 2.0.4, as tests/rules/conformance makes it."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mlxk_rules.loaders import machine, probe

from ..rules.conformance.test_frozen import MODELS, REQUESTS, ROWS, build, facts_of

Facts = dict[str, Any]


@cache
def folder_facts() -> list[Facts]:
    """Raw facts of all 88 folders for each of the four requests: 352, from one probe a folder. Nobody changes them."""
    found: list[Facts] = []
    here = machine()
    with tempfile.TemporaryDirectory() as root:
        for number, model in enumerate(MODELS):
            folder = build(model, Path(root) / str(number))
            facts = probe(folder, name=model["name"], machine=here)
            facts["runtime"] = copy.deepcopy(here.runtime)  # which all folders share
            facts["memory"]["total_bytes"] = model["env"]["system_memory"]
            facts["runtime"]["python"] = [*map(int, model["env"]["python"].split(".")), 0]
            for backend in ("mlx_lm", "mlx_vlm", "mlx_audio"):
                facts["runtime"][backend]["installed"] = True
            for images, audio in REQUESTS.values():  # as `mlxk-rules list` asks: one probe, several requests
                found.append({**facts, "request": {**facts["request"], "images": images, "audio": audio}})
    return found


def row_facts() -> list[Facts]:
    """The 3,072 rows of the gates' truth table: what is detected given in `derived`, all else a plain folder's."""
    plain = folder_facts()[0]
    return [_over(plain, facts_of(row)) for row in ROWS]


def row_asks() -> list[Facts]:
    """The same rows with no more than they say: what is detected, what is asked, and the machine.

    Parts that are equal are one object, as in a program that asks for many models on one machine.
    """
    parts: dict[str, Any] = {}
    rows = map(facts_of, ROWS)
    return [{name: parts.setdefault(json.dumps((name, part)), part) for name, part in row.items()} for row in rows]


def _over(facts: Facts, changes: Facts) -> Facts:
    def one(name: str) -> Any:
        old, new = facts.get(name), changes[name]
        return _over(old, new) if isinstance(old, dict) and isinstance(new, dict) else new

    return {**facts, **{name: one(name) for name in changes}}


def sample(rows: list[Facts], size: int) -> list[Facts]:
    """The same rows each time, picked by chance: the table's order is regular, every n-th row is not like the whole."""
    return random.Random(2_0_4).sample(rows, min(size, len(rows)))
