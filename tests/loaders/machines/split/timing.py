"""How long mlx-lm's split of a large model takes to be told, once its headers are read.

    python -m tests.loaders.machines.split.timing [NAME]    a line for each count of machines

NAME is a model of the zoo; without one Kimi-K2 as published: a trillion weights in some 140,000 tensors.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from mlx_lm.utils import load_model
from mlxk_rules.loaders.dry_run.sizes.shares import shares

from ....zoo.build import lay
from ....zoo.catalogue import named
from ....zoo.tensors import expand

NAME = "hf--moonshotai--Kimi-K2-Instruct"
COUNTS = (2, 16, 61, 64)


def main(words: list[str]) -> None:
    (found,) = named(words[0] if words else NAME)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        lay(found, folder)
        tensors = sum(len(expand(weights.tensors)) for weights in found.weights.values())
        start = time.perf_counter()
        model, config = load_model(folder, lazy=True)
        print(f"{found.name}: {tensors:,} tensors, read in {time.perf_counter() - start:.2f} s")
        for count in COUNTS:
            start = time.perf_counter()
            told = shares(model, config, [count], "cpu")
            taken = time.perf_counter() - start
            ways = {split: one[str(count)]["refused"] or "told" for split, one in told.items() if one}
            print(
                f"{count:3} machines: {taken:.2f} s  " + ", ".join(f"{way}: {said[:60]}" for way, said in ways.items())
            )


if __name__ == "__main__":
    main(sys.argv[1:])
