"""What a backend loads of a repo: as the libraries' own lists have it, but for code and pickles."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlxk_rules.loaders import needed
from mlxk_rules.loaders.hub.needed_files import DOCUMENTS

# Code is never run here, pickles are never read; what is left of weights is told by the probe.
NEVER = ("*.py", "*.pth")
WEIGHTS = (".safetensors", ".npz")
NONE = {"files": []}


def patterns(library: str) -> set[str]:
    """The patterns of files that a library fetches by itself, read in its source."""
    spec = find_spec(library)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{library} is not installed")
    tree = ast.parse((Path(spec.submodule_search_locations[0]) / "utils.py").read_text("utf-8"))
    lists = [node for node in ast.walk(tree) if isinstance(node, ast.List)]
    told = [[one.value for one in node.elts if isinstance(one, ast.Constant)] for node in lists]
    return {one for strings in told if "*.json" in strings for one in strings}


@pytest.mark.parametrize("library", ["mlx_lm", "mlx_vlm", "mlx_audio"])
def test_all_that_the_library_fetches_is_fetched(library: str) -> None:
    found = {one for one in patterns(library) if not one.endswith(WEIGHTS)} - set(NEVER)
    assert found
    # `tokenizer.model` is one of `*.model`.
    assert {one for one in found if one not in DOCUMENTS and f"*.{one.rpartition('.')[2]}" not in DOCUMENTS} == set()


FILES = [
    "README.md", "LICENSE", "config.json", "tokenizer.json", "merges.txt", "chat_template.jinja", "tokenizer.model",
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
    "consolidated.safetensors", "pytorch_model.bin", "pytorch_model.bin.index.json", "original/params.json",
    "original/consolidated.00.pth", "onnx/model.onnx", "onnx/config.json", "modeling.py", "picture.png", "x.gguf",
    "experts/layer_0.safetensors", "additional_chat_templates/tools.jinja",
]  # fmt: skip
SHARDS = {"files": FILES[7:9]}
SHARED = {*FILES[:1], *FILES[2:10], "additional_chat_templates/tools.jinja"}


@pytest.mark.parametrize(
    ("backend", "more", "wanted"),
    [
        ("mlx_lm", [], SHARED),
        ("mlx_vlm", [], SHARED),
        ("mlx_vlm", ["offload_index.json"], SHARED | {"offload_index.json", "experts/layer_0.safetensors"}),
        ("mlx_audio", [], SHARED | {"experts/layer_0.safetensors"}),
    ],
)
def test_what_each_loads(backend: str, more: list[str], wanted: set[str]) -> None:
    weights = dict.fromkeys(("mlx_lm", "mlx_vlm", "mlx_audio"), NONE) | {backend: SHARDS}
    assert set(needed([*FILES, *more], backend, weights)) == wanted
