"""What the dry run's functions say of the models that were measured on Metal with a picture, kept in peaks.json.

Usage:
  tests.memory.retake_peaks [--print] [REPO]...
  tests.memory.retake_peaks (-h | --help)

Run it as `python -m tests.memory.retake_peaks`. Without a REPO all are taken, which takes three minutes on one core. It
can be done on any machine: MLX's CPU build is made to put up the graphs of Metal (pretend_metal.py), and no number is
computed.

Options:
  --print     prints the records as JSON, a line each, and keeps nothing
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docopt import docopt

from . import peaks, pretend_metal


def record(row: Mapping[str, Any], run: peaks.Run) -> dict[str, Any]:
    from mlx.utils import tree_flatten
    from mlxk_rules.loaders.dry_run.sizes.working_memory import estimate

    with tempfile.TemporaryDirectory() as place:
        model = _made(row) if "config" in row else _laid(row["zoo"], Path(place))
        load = sum(array.nbytes for _, array in tree_flatten(model.parameters()))
    prompt = estimate.prompt_memory(model, "metal")
    image = estimate.image_bytes(model, _inputs(row["inputs"]), "metal", prompt)
    if prompt is None or image is None:
        raise RuntimeError(f"nothing is told of {run.repo}")
    return {
        "load": None if row.get("other_weights") else load,
        "cache": estimate.cache_bytes(model, run.prompt + run.answer),
        "prompt": list(prompt)[:3],
        "image": image,
    }


def _laid(name: str, place: Path) -> Any:
    from mlx_vlm.utils import load_model

    from ..zoo.build import lay
    from ..zoo.catalogue import models

    (model,) = (model for model in models() if model.name == name)
    lay(model, place / "model")
    for code in place.rglob("*.py"):
        code.unlink()
    return load_model(place / "model", lazy=True, trust_remote_code=False)


def _made(row: Mapping[str, Any]) -> Any:
    """A model without weights of its own, as mlx_vlm.utils.load_model builds one."""
    import mlx.core as mx
    from mlx import nn
    from mlx_vlm import utils

    from ..zoo.catalogue import models

    config: dict[str, Any] = {}
    if "zoo" in row:
        config = copy.deepcopy(next(model.config for model in models() if model.name == row["zoo"]))
    for key, value in row["config"].items():
        config[key] = {**config[key], **value} if isinstance(value, dict) and key in config else value
    kind, _ = utils.get_model_and_args(config=config)
    for part in ("text_config", "vision_config", "audio_config"):
        config.setdefault(part, {})
    values = kind.ModelConfig.from_dict(config)
    parts = ["text", "vision", "perceiver", "projector", "audio"]
    model = kind.Model(utils.update_module_configs(values, kind, config, parts))
    model.set_dtype(mx.bfloat16)
    if "quantization" in row:
        nn.quantize(model.language_model, **row["quantization"])
    return model


def _inputs(values: Mapping[str, Any]) -> dict[str, Any]:
    import mlx.core as mx

    found: dict[str, Any] = {}
    for name, value in values.items():
        if name == "input_ids":
            found[name] = mx.array([[one for one, count in value for _ in range(count)]])
        elif isinstance(value, str):
            kind, _, shape = value.partition(" ")
            found[name] = mx.ones([int(size) for size in shape.split("x")], getattr(mx, kind))
            mx.eval(found[name])
        else:
            found[name] = value if name in ("_grid_shapes", "num_patches") else mx.array(value)
    return found


def _keep(repo: str, found: Mapping[str, Any]) -> None:
    whole = json.loads(peaks.TOLD.read_text("utf-8")) if peaks.TOLD.exists() else {}
    whole[repo] = found
    lines = (f" {json.dumps(one)}: {json.dumps(whole[one])}" for one in peaks.rows() if one in whole)
    peaks.TOLD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    asked = docopt(__doc__ or "", arguments)
    pretend_metal.pretend()
    known, measured = peaks.rows(), peaks.runs()
    for repo in asked["REPO"] or known:
        found = record(known[repo], measured[repo])
        sys.stderr.write(f"{peaks.told(found).line(measured[repo])}\n")
        if asked["--print"]:
            sys.stdout.write(json.dumps({repo: found}) + "\n")
        else:
            _keep(repo, found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
