"""Real runs on Metal with a picture, and what the functions of a dry run say of the same models."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxk_rules.loaders.dry_run.sizes.working_memory.estimate import PromptMemory

from ..case_files import read_yaml

HERE = Path(__file__).parent
MEASURED = HERE.parent / "zoo" / "metal-peaks.csv"
ROWS = HERE / "peak_rows.yaml"
TOLD = HERE / "peaks.json"
ON_A_CPU = HERE / "measured.json"
GB = 1_000_000_000


@dataclass(frozen=True)
class Run:
    """What was measured, in bytes and tokens; `prompt` has the picture's."""

    repo: str
    load: int
    prompt: int
    answer: int
    peak: int


@dataclass(frozen=True)
class Told:
    """What is told without a number computed, in bytes; `load` is None where the weights are not the row's."""

    load: int | None
    cache: int
    prompt: PromptMemory
    image: int

    def whole(self, prompt: int, load: int = 0) -> int:
        """With a prompt of so many tokens; `load` is what weights take that are not told."""
        return (load if self.load is None else self.load) + self.cache + self.prompt.prompt(prompt) + self.image

    def total(self, run: Run) -> int:
        return self.whole(run.prompt, run.load)

    def line(self, run: Run) -> str:
        """A row of the table in rules/MEMORY.md, in GB."""
        load = run.load if self.load is None else self.load
        parts = (load, self.cache, self.prompt.prompt(run.prompt), self.image, self.total(run), run.peak)
        cells = (run.repo.rsplit("/", 1)[-1], f"{run.prompt:,}", *(f"{part / GB:.2f}" for part in parts))
        return f"| {' | '.join(cells)} | {self.total(run) / run.peak:.3f} |"


def runs() -> dict[str, Run]:
    with MEASURED.open(encoding="utf-8", newline="") as file:
        found = [
            Run(
                row["repo"],
                round(float(row["load_gb"]) * GB),
                int(row["prompt_tokens"]),
                int(row["generation_tokens"]),
                round(float(row["peak_gb"]) * GB),
            )
            for row in csv.DictReader(file)
        ]
    return {run.repo: run for run in found}


def rows() -> dict[str, dict[str, Any]]:
    return {row["repo"]: row for row in read_yaml(ROWS)}


def told(record: Mapping[str, Any]) -> Told:
    return Told(record["load"], record["cache"], PromptMemory(*record["prompt"]), record["image"])


def kept() -> dict[str, Told]:
    return {repo: told(record) for repo, record in json.loads(TOLD.read_text("utf-8")).items()}


def measured_on_a_cpu() -> dict[str, dict[str, Any]]:
    return json.loads(ON_A_CPU.read_text("utf-8"))
