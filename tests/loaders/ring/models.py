"""Small models whose every layer changes the answer, so that a share that is not right is seen in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...tiny.files import write_json
from ...tiny.text import text

_SIZES = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 32,
}


def model(
    folder: Path, model_type: str = "llama", layers: int = 4, seed: int = 6, bits: int | None = None, **more: Any
) -> Path:
    """Writes a model with random weights (of a seed) by mlx-lm itself, each layer in a file of its own, with an index.

    `bits` quantizes it; `more` are further keys of its configuration. Gives the folder.
    """
    import mlx.core as mx
    from mlx.utils import tree_flatten, tree_map
    from mlx_lm.utils import load_model, quantize_model

    text(folder, model_type=model_type)
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text()) | _SIZES | {"num_hidden_layers": layers} | more
    # No token ends an answer: drawn ones would now and then end before their length.
    config["eos_token_id"] = config["vocab_size"]
    write_json(folder / "config.json", config)
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    del tokenizer["eos_token"]
    write_json(folder / "tokenizer_config.json", tokenizer)
    mx.random.seed(seed)
    network, _ = load_model(folder, lazy=True, strict=False)
    network.update(tree_map(lambda value: mx.random.normal(value.shape) * 0.3, network.parameters()))
    if bits is not None:
        network, config = quantize_model(network, config, 32, bits)
        write_json(folder / "config.json", config)
    files: dict[str, dict[str, Any]] = {}
    for name, value in tree_flatten(network.parameters()):
        part = name.split(".")[2] if ".layers." in name else "rest"
        files.setdefault(f"model-{part}.safetensors", {})[name] = value
    for file, tensors in files.items():
        mx.save_safetensors(str(folder / file), tensors, {"format": "mlx"})
    index = {name: file for file, tensors in files.items() for name in tensors}
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    return folder
