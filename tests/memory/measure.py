"""Builds random models of 100 to 600 MB, loads each, gives it prompts, and writes rules/MEMORY.md.

    python -m tests.memory.measure              all of it, some fifteen minutes on two cores
    python -m tests.memory.measure NAME...      those models alone; of the others what was measured last stays

What was measured stands in measured.json, so that a test can hold another formula to it without loading anything.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlxk_rules.loaders import probe

from . import document
from .shapes import Shape, build

MEASURED = Path(__file__).with_name("measured.json")
ALL = (16, 128, 256, 512, 1024, 2048, 3000, 4096)
# Name, type, hidden, intermediate, layers, heads, kv heads, vocabulary. The size comes from the vocabulary, which costs
# no time; where there are many layers, or four bits, which this CPU computes slowly, the contexts end sooner.
SHAPES: tuple[tuple[Shape, Sequence[int]], ...] = (
    (Shape("llama-100", "llama", 512, 1408, 3, 8, 8, 15000), ALL),
    (Shape("llama-4bit-100", "llama", 1024, 2816, 2, 16, 8, 80000, bits=4), ALL[:4]),
    (Shape("llama-wide-heads-140", "llama", 512, 1536, 2, 16, 4, 24000, head_size=128), ALL),
    (Shape("qwen2-tied-200", "qwen2", 768, 2048, 2, 12, 2, 50000, tied=True), ALL),
    (Shape("llama-deep-200", "llama", 512, 1408, 12, 8, 4, 11000), ALL[:5]),
    (Shape("llama-few-heads-400", "llama", 1024, 2816, 2, 4, 1, 38000), ALL[1:]),
    (Shape("qwen2-tied-600", "qwen2", 1280, 3456, 2, 20, 4, 92000, tied=True), ALL[::2] + ALL[-1:]),
)


def measured(folder: Path, contexts: Sequence[int]) -> dict[str, int]:
    """The peaks, by a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.memory.worker", str(folder), *map(str, contexts)]
    root = Path(__file__).parents[2]
    environment = os.environ | {"MLX_DISABLE_COMPILE": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"the worker failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def record(shape: Shape, contexts: Sequence[int]) -> dict[str, Any]:
    """Builds, probes, loads and asks a model; what is kept of it is what the prediction is made from, and the peaks."""
    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "model", shape)
        facts = probe(folder)
        peaks = measured(folder, contexts)
    return {
        "day": date.today().isoformat(),
        "versions": {name: version(name) for name in ("mlx", "mlx-lm")},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "accelerator": facts["memory"]["accelerator"],
        "shape": asdict(shape),
        "config": {key: value for key, value in facts["config"].items() if "token_id" not in key},
        "dtype": facts["weights"]["dtype"],
        "weights_bytes": facts["weights"]["mlx_lm"]["size_bytes"],
        "peaks": peaks,
    }


def main(names: list[str]) -> int:
    kept: dict[str, Any] = json.loads(MEASURED.read_text("utf-8")) if MEASURED.exists() else {}
    for shape, contexts in SHAPES:
        if not names or shape.name in names:
            kept[shape.name] = record(shape, contexts)
            sys.stdout.write("".join(f"{row.line}\n" for row in document.rows(kept[shape.name])))
            sys.stdout.flush()
            kept = {one.name: kept[one.name] for one, _ in SHAPES if one.name in kept}
            MEASURED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    document.write(kept)
    return 1 if any(row.wrong for one in kept.values() for row in document.rows(one)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
