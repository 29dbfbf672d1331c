"""Which files of a repo a backend loads: its weights as the probe found them, and the documents that it may read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

# What the three libraries fetch by themselves, without code and pickles, which no loader here reads
# (tests/loaders/hub/test_needed_files.py holds this to their own lists); README.md is read by the probe.
DOCUMENTS = ("*.json", "*.jsonl", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.yaml", "README.md")
_OF_OTHERS = ("*.bin.index.json", "*.h5.index.json", "*.msgpack.index.json", "onnx/*", "openvino/*", "original/*")


def needed(names: Iterable[str], backend: str, weights: Mapping[str, Any]) -> list[str]:
    """The files that a backend loads of `names`; `weights` are the facts below that name."""
    own = set(weights[backend]["files"])
    listed = list(names)
    # Experts in files of their own, which mlx-vlm reads one by one; a speech model's parts in folders.
    below = backend == "mlx_audio" or (backend == "mlx_vlm" and "offload_index.json" in listed)
    return [name for name in listed if name in own or _is_document(name) or (below and _is_part(name))]


def _is_document(name: str) -> bool:
    matches = any(fnmatchcase(name, pattern) for pattern in DOCUMENTS)
    return matches and not any(fnmatchcase(name, pattern) for pattern in _OF_OTHERS)


def _is_part(name: str) -> bool:
    return "/" in name and name.endswith(".safetensors") and not any(fnmatchcase(name, other) for other in _OF_OTHERS)
