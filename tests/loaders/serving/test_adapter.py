"""An adapter's folder, sound and odd and hostile: what it is, or why it is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlxk_rules.loaders import LoaderError, adapter_in

from ...case_files import cases
from ...tiny.files import write_safetensors

ROWS = cases(__file__, "adapters.yaml")
SOUND = {"num_layers": 1, "lora_parameters": {"rank": 4, "scale": 20.0, "dropout": 0.0}}
TENSORS = {"model.layers.0.mlp.up_proj.lora_a": np.ones((8, 4)), "model.layers.0.mlp.up_proj.lora_b": np.ones((4, 8))}


def laid(folder: Path, row: dict[str, Any]) -> Path:
    folder.mkdir()
    config = row["config_times"][0] * row["config_times"][1] if "config_times" in row else row.get("config", SOUND)
    if config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (folder / "adapter_config.json").write_text(text, "utf-8")
    weights = folder / "adapters.safetensors"
    write_safetensors(weights, {} if row.get("weights_empty") else TENSORS)
    if "weights_cut" in row:
        weights.write_bytes(weights.read_bytes()[: row["weights_cut"]])
    if row.get("weights") is not None:
        weights.write_bytes(row["weights"].encode("latin-1"))
    elif "weights" in row:
        weights.unlink()
    for name in row.get("files", ()):
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize("row", ROWS, ids=[row["what"] for row in ROWS])
def test_no_adapter(row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LoaderError) as caught:
        adapter_in(laid(tmp_path / "odd", row))
    assert caught.value.code == "not_an_adapter"
    assert caught.value.message.startswith("`odd` is no adapter of mlx-lm: ") and row["said"] in caught.value.message


def test_an_adapter(tmp_path: Path) -> None:
    folder = laid(tmp_path / "tuned", {})
    found = adapter_in(folder)
    assert (found.id, found.folder, found.size_bytes) == ("tuned", str(folder), 2 * 8 * 4 * 4)
    assert adapter_in(f"{folder}/../tuned/") == found
    (folder / "adapters.safetensors").touch()
    assert adapter_in(folder).fingerprint != found.fingerprint
    full = laid(tmp_path / "full", {"config": {"fine_tune_type": "full"}})
    assert adapter_in(full).size_bytes == found.size_bytes


def test_what_is_no_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "nowhere", tmp_path / "pipe"):
        with pytest.raises(LoaderError, match="there is no such folder"):
            adapter_in(path)


def test_weights_that_never_end(tmp_path: Path) -> None:
    folder = laid(tmp_path / "odd", {"weights": None})
    os.mkfifo(folder / "adapters.safetensors")
    with pytest.raises(LoaderError, match="not a regular file"):
        adapter_in(folder)
