"""What argument classes demand and which tensors a Model needs, read from source and held against the classes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import demands, installed, mlx_lm, modules
from mlxk_rules.loaders.installed import Installed
from mlxk_rules.loaders.safetensors import Tensor

BASE = "class Base:\n    @classmethod\n    def from_dict(cls, params):\n"
FILTER = "        return cls(**{k: v for k, v in params.items() if k in inspect.signature(cls).parameters})\n"
FIELDS = "    model_type: str\n    width: int\n    deep: int = field(repr=False)\n    bias: bool = False\n"


def package(root: Path, name: str, files: dict[str, str]) -> Installed:
    for file, text in files.items():
        (root / name / file).parent.mkdir(parents=True, exist_ok=True)
        (root / name / file).write_text(text)
    return Installed(str(root / name), "1")


@pytest.mark.parametrize(
    ("from_dict", "config", "missing"),
    [
        (BASE + FILTER, {"model_type": "x"}, ["width", "deep"]),
        (BASE + FILTER, {"model_type": "x", "width": None, "deep": 1}, []),
        (
            BASE + "        if not params:\n            return cls()\n" + FILTER,
            {"model_type": "x", "width": 1},
            ["deep"],
        ),
        (BASE + '        if "d" in params:\n            return cls(1, 2)\n' + FILTER, {"model_type": "x", "d": 1}, []),
        (BASE + '        params["width"] = 1\n' + FILTER, {"model_type": "x"}, None),
        (BASE + "        return make(cls, params)\n", {"model_type": "x"}, None),
        (BASE + FILTER, {"model_type": "y"}, None),
        (BASE + FILTER, {"model_type": "../x"}, None),
        (BASE + FILTER, {"model_type": 7}, None),
        (BASE + FILTER, {}, None),
        (BASE + FILTER, None, None),
    ],
)
def test_keys(tmp_path: Path, from_dict: str, config: Any, missing: list[str] | None) -> None:
    text = f"{from_dict}\n\n@dataclass\nclass ModelArgs(Base):\n{FIELDS}\n\nclass Model(nn.Module): ...\n"
    found = package(tmp_path, "mlx_lm", {"models/x.py": text, "utils.py": ""})
    assert demands.mlx_lm(found.path, config) == missing


MODEL = """
class Norm(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.weight = mx.ones((dims,))

class Block(nn.Module):
    def __init__(self, args):
        self.up = nn.Linear(1, 2, bias=False)
        self.down = nn.Linear(1, 2)
        self.norm = Norm(3)
        if args.gate:
            self.gate = nn.Linear(1, 2)
        self.other = made(args)

class Model(nn.Module):
    def __init__(self, args):
        self.embed = nn.Embedding(4, 5)
        self.layers = [Block(args) for _ in range(args.n)]
        if not args.tie_word_embeddings:
            self.lm_head = nn.Linear(1, 2, bias=False)

    def sanitize(self, weights):
        return {k: v for k, v in weights.items() if "rotary" not in k and not k.startswith("visual.")}
"""
NEEDED = [
    "embed.weight",
    *(f"layers.{n}.{x}" for n in (0, 1) for x in ("up.weight", "down.weight", "down.bias", "norm.weight")),
]


@pytest.mark.parametrize(
    ("names", "tied", "missing", "extra"),
    [
        (NEEDED, True, [], []),
        (NEEDED, False, ["lm_head.weight"], []),
        (NEEDED, None, [], []),
        ([*NEEDED, "lm_head.weight", "layers.0.gate.weight", "layers.1.other.any.thing"], False, [], []),
        ([*NEEDED, "layers.0.rotary.freq", "visual.x"], True, [], []),
        ([*NEEDED, "surplus.weight"], True, [], ["surplus.weight"]),
        (NEEDED[1:], True, ["embed.weight"], []),
        (NEEDED[:-1], True, ["layers.1.norm.weight"], []),
        ([f"foo.{name}" for name in NEEDED], True, None, None),
    ],
)
def test_tensors(tmp_path: Path, names: list[str], tied: Any, missing: Any, extra: Any) -> None:
    found = package(tmp_path, "mlx_lm", {"models/x.py": MODEL})
    tensors = dict.fromkeys(names, Tensor("F32", (1,)))
    told = modules.misfit(found.path / "models/x.py", found, tensors, {"tie_word_embeddings": tied})
    assert (told.missing, told.extra) == (missing, extra)


def test_packed_weights_without_scales(tmp_path: Path) -> None:
    found = package(tmp_path, "mlx_lm", {"models/x.py": MODEL})
    torn = {"packed.weight": Tensor("U32", (1, 1)), "packed.biases": Tensor("F16", (1, 1))}
    assert modules.misfit(found.path / "models/x.py", found, torn, {}).missing == ["packed.scales"]


REAL = """
import importlib, json, sys
found = {}
for name, module in json.load(sys.stdin).items():
    try:
        args = importlib.import_module(f"mlx_lm.models.{module}").ModelArgs
    except BaseException:
        continue
    try:
        args.from_dict({"model_type": name})
        found[name] = ""
    except TypeError as error:
        found[name] = str(error)
    except Exception as error:
        found[name] = None
print("FOUND" + json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is not installed")
def test_every_type_of_the_installed_mlx_lm() -> None:
    """What is said to be missing is what the class itself complains of."""
    found = installed.find("mlx_lm")
    assert found
    files: dict[str, str] = {}
    for name in mlx_lm.supported(found.path).model_types:
        if file := demands.mlx_lm_module(found.path, {"model_type": name}):
            files[name] = file.stem
    command = [sys.executable, "-W", "ignore", "-c", REAL]
    done = subprocess.run(command, input=json.dumps(files), capture_output=True, text=True, check=True)
    real: dict[str, str | None] = json.loads(done.stdout.partition("FOUND")[2])
    assert len(real) > 100
    for name, error in real.items():
        told = demands.mlx_lm(found.path, {"model_type": name})
        # Some take the whole config for a text_config, and complain when the Model is made.
        whole = "text_config=params" in (found.path / "models" / f"{files[name]}.py").read_text()
        if told is None or error is None or whole:
            continue
        outer = [key for key in told if "." not in key]
        assert all(f"'{key}'" in error for key in outer), (name, outer, error)
        assert bool(outer) == ("required positional argument" in error), (name, outer, error)
