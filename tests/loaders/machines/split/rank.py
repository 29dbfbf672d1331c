"""One rank: loads, splits and calls each model of a folder as mlx_lm.utils.sharded_load does, and says what came of it.

    MLX_RANK=0 MLX_HOSTFILE=ring.json python rank.py FOLDER KIND...    a line of JSON for each model and split

Without MLX_RANK it is alone, and splits nothing. What fails on one rank fails on all of them in these models.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model

TOKENS = [3, 1, 4, 1, 5, 9, 2, 6]


def nbytes(value: Any) -> int:
    return sum(array.nbytes for _, array in tree_flatten(value) if isinstance(array, mx.array))


def done(folder: Path, kind: str, group: Any) -> dict[str, Any]:
    """Its bytes of weights, loaded, and of cache; and what the model says of some tokens: None where only a GPU can."""
    model: Any = load_model(folder, lazy=True, strict=False)[0]
    if group is not None and kind == "tensor":
        model.shard(group)
    if group is not None and kind == "pipeline":
        model.model.pipeline(group)
    mx.eval(model.parameters())
    weights = nbytes(model.parameters())
    cache = make_prompt_cache(model)
    try:
        logits = model(mx.array([TOKENS]), cache=cache)[0, -1].astype(mx.float32)
    except RuntimeError as error:
        if "No Metal back-end" not in str(error):
            raise
        return {"weights_bytes": weights, "cache_bytes": 0, "says": None}
    mx.eval(logits, [one.state for one in cache])
    size = nbytes([one.state for one in cache])
    return {"weights_bytes": weights, "cache_bytes": size, "says": logits.tolist()}


def main() -> None:
    root, *kinds = sys.argv[1:]
    group = mx.distributed.init(strict=True, backend="ring") if "MLX_RANK" in os.environ else None
    for folder in sorted(Path(root).iterdir()):
        for kind in kinds:
            try:
                found = done(folder, kind, group)
            except Exception as error:
                found = {"refused": " ".join(str(error).split())}
            print(json.dumps({"name": folder.name, "kind": kind, **found}), flush=True)


if __name__ == "__main__":
    main()
