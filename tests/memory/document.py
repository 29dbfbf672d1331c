"""rules/MEMORY.md, made of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxk_rules.loaders import kv_cache, prompt

from .prediction import Prediction, predict
from .shapes import Shape
from .worker import ANSWER

FILE = Path(__file__).parents[2] / "rules" / "MEMORY.md"
TEMPLATE = Path(__file__).with_name("MEMORY.md.in")
NEAR = 0.05  # at load either way, with a context downwards
MB = 10**6


@dataclass(frozen=True)
class Row:
    """One measurement: `context` is the prompt's tokens, 0 at load; `peak` is MLX's."""

    shape: Shape
    context: int
    predicted: Prediction
    peak: int

    @property
    def ratio(self) -> float:
        return self.predicted.total / self.peak

    @property
    def wrong(self) -> bool:
        return self.ratio < 1 - NEAR or (not self.context and self.ratio > 1 + NEAR)

    @property
    def line(self) -> str:
        terms = (self.predicted.load, self.predicted.cache, self.predicted.step, self.predicted.scores)
        numbers = [f"{number / MB:.1f}" for number in (*terms, self.predicted.total, self.peak)]
        cells = (self.shape.name, f"{self.context:,}" if self.context else "load", *numbers, f"{self.ratio:.3f}")
        return f"| {' | '.join(cells)} |"


def facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that a prediction takes, as the probe tells them of such a config today."""
    config, dtype = record["config"], record["dtype"]
    return {
        "weights": {"mlx_lm": {"size_bytes": record["weights_bytes"]}},
        "memory": {
            "kv_bytes_per_token": kv_cache.bytes_per_token(config, dtype),
            "prompt_bytes_per_token": prompt.bytes_per_token(config, dtype),
            "score_bytes_per_pair": prompt.score_bytes(config, dtype, record["accelerator"]),
        },
    }


def rows(record: Mapping[str, Any]) -> list[Row]:
    shape, told = Shape(**record["shape"]), facts(record)
    found: list[Row] = []
    for name, peak in record["peaks"].items():
        context = 0 if name == "load" else int(name)
        found.append(Row(shape, context, predict(told, context + ANSWER if context else 0), peak))
    return found


def _shape(shape: Shape) -> str:
    heads, tied = f"{shape.heads} / {shape.kv_heads}", "yes" if shape.tied else "no"
    numbers = (shape.hidden, shape.intermediate, shape.layers, heads, shape.each_head, f"{shape.vocabulary:,}")
    return "| " + " | ".join(map(str, (shape.name, *numbers, tied, shape.bits))) + " |"


def text(records: Mapping[str, Mapping[str, Any]]) -> str:
    found = {name: rows(record) for name, record in records.items()}
    every = [row for one in found.values() for row in one]
    loads = [row.ratio for row in every if not row.context]
    prompts = [row.ratio for row in every if row.context]
    values = {
        "days": " and ".join(sorted({record["day"] for record in records.values()})),
        "versions": "; ".join(
            sorted({", ".join(f"{k} {v}" for k, v in record["versions"].items()) for record in records.values()})
        ),
        "machine": "; ".join(sorted({record["machine"] for record in records.values()})),
        "load": f"{min(loads):.4f} to {max(loads):.4f}",
        "prompt": f"{min(prompts):.3f} to {max(prompts):.3f}",
        "loads": len(loads),
        "prompts": len(prompts),
        "wrong": sum(row.wrong for row in every),
        "shapes": "\n".join(_shape(one[0].shape) for one in found.values()),
        "rows": "\n".join(row.line for row in every),
    }
    return TEMPLATE.read_text("utf-8").format(**values)


def write(records: Mapping[str, Mapping[str, Any]]) -> None:
    FILE.write_text(text(records), encoding="utf-8")
