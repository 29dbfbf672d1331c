"""The weight files that one rank of a pipeline needs: a host need not have the others.

mlx-lm's sharded_load goes by the index, as is done here: the files of the rank's layers, and those of all that is in no
layer. Which layers those are is as PipelineMixin splits them (mlx-lm 0.32.2): rank 0 has the last ones, and the low
ranks one more where they do not divide. What is loaded is held against what the share needs all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .. import bounded_files

_INDEX = "model.safetensors.index.json"
_MAX_INDEX_BYTES = 64 << 20
_LAYER = re.compile(r"(?:^|\.)layers\.(\d{1,6})\.")


def layers_of(rank: int, count: int, layers: int) -> range:
    """The layers of a rank among `count`."""
    base, extra = divmod(layers, count)
    sizes = [base + (one < extra) for one in range(count)]
    first = sum(sizes[rank + 1 :])
    return range(first, first + sizes[rank])


def lacking(facts: Mapping[str, Any], rank: int, count: int) -> list[str] | None:
    """The files that the rank needs, and that the folder of these facts has not.

    None where the folder tells of no index or of no layers, or has all that the index names.
    """
    here = set(facts["weights"]["mlx_lm"]["files"])
    layers = (facts.get("config") or {}).get("num_hidden_layers")
    if facts["weights"]["index"] != "ok" or type(layers) is not int or not count <= layers <= 10_000:
        return None
    try:
        index = json.loads(bounded_files.read(f"{facts['model']['path']}/{_INDEX}", _MAX_INDEX_BYTES))
        named = index["weight_map"]
        own = layers_of(rank, count, layers)
        needed = {file for name, file in named.items() if (at := _LAYER.search(name)) is None or int(at[1]) in own}
        missing = set(named.values()) - here
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return sorted(missing & needed) if missing else None
