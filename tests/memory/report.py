"""rules/MEMORY.md, made of what was measured and what is told of it.

Usage:
  tests.memory.report
  tests.memory.report (-h | --help)

Run it as `python -m tests.memory.report`, after `python -m tests.memory.retake_peaks`. What is told of the models that
were measured on a CPU is taken again, and kept in cpu_told.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docopt import docopt

from . import peaks

FILE = Path(__file__).parents[2] / "rules" / "MEMORY.md"
TEMPLATE = Path(__file__).with_name("report.md.in")
CPU_TOLD = Path(__file__).with_name("cpu_told.json")


def text() -> str:
    measured, kept = peaks.runs(), peaks.kept()
    ratios = {repo: told.total(measured[repo]) / measured[repo].peak for repo, told in kept.items()}
    on_a_cpu: dict[str, dict[str, float]] = json.loads(CPU_TOLD.read_text("utf-8"))
    every = [ratio for one in on_a_cpu.values() for ratio in one.values()]
    values = {
        "rows": "\n".join(told.line(measured[repo]) for repo, told in kept.items()),
        "count": len(kept),
        "all": len(measured),
        "least": f"{min(ratios.values()):.3f}",
        "most": f"{max(ratios.values()):.3f}",
        "median": f"{sorted(ratios.values())[len(ratios) // 2]:.3f}",
        "within": sum(ratio <= 1.35 for ratio in ratios.values()),
        "near": sum(ratio <= 1.17 for ratio in ratios.values()),
        "left": ", ".join(repo.rsplit("/", 1)[-1] for repo in measured if repo not in kept),
        "made": ", ".join(repo.rsplit("/", 1)[-1] for repo, row in peaks.rows().items() if "config" in row),
        "cpu_rows": "\n".join(_cpu_line(name, one) for name, one in on_a_cpu.items()),
        "cpu_count": len(every),
        "cpu_range": f"{min(every):.3f} to {max(every):.3f}",
    }
    return TEMPLATE.read_text("utf-8").format(**values)


def _cpu_line(name: str, ratios: dict[str, float]) -> str:
    cells = (f"{int(tokens):,}: {ratio:.3f}" for tokens, ratio in ratios.items())
    return f"| {name} | {', '.join(cells)} |"


def _retake() -> None:
    from .cpu_models import told

    found = {
        name: {
            str(tokens): round(said.whole(tokens) / record["peaks"][str(tokens)], 3)
            for tokens, said in told(record).items()
        }
        for name, record in peaks.measured_on_a_cpu().items()
    }
    lines = (f" {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items())
    CPU_TOLD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main(words: list[str]) -> int:
    docopt(__doc__ or "", words)
    _retake()
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
