"""What the backends support: read from made-up packages, and from the installed ones, held against real classes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders.backends import mlx_audio, mlx_lm, mlx_vlm
from mlxk_rules.loaders.host import installed

EMBED = "    def get_input_embeddings(self, input_ids, pixel_values=None, **kwargs):\n"
RETURN = "        return"
REFUSES = "        if pixel_values is {}None:\n            raise ValueError('no audio')\n"
EXITS = "try:\n    import {}\nexcept ImportError:\n    sys.exit(1)\nclass ModelArgs(B): ...\nclass Model(B): ...\n"
PLAIN = f"class Model:\n{EMBED}        return self.language_model(input_ids)\n"
SEES = f"class Model:\n{EMBED}        return self.vision(pixel_values)\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_mlx_lm(tmp_path: Path) -> None:
    package = write(
        tmp_path / "mlx_lm",
        {
            "utils.py": 'MODEL_REMAPPING = {\n    "mistral": "llama",  # {a}\n    "lost": "gone",\n    f(): g(),\n}\n',
            "models/__init__.py": "class Model: ...\nclass ModelArgs: ...\n",
            "models/llama.py": "import x\n\nclass ModelArgs(Base): ...\n\nclass Model(nn.Module): ...\n",
            "models/Klear.py": "from .llama import Model\nfrom .llama import (\n    Other as ModelArgs,  # )\n)\n",
            "models/maybe.py": "pattern = '\\d'\ntry:\n    from a import Model, ModelArgs\nexcept ImportError: pass\n",
            "models/cache.py": "class Model: ...\n",
            "models/named.py": "text = 'from x import Model, ModelArgs'\n",
            "models/exits.py": EXITS.format("no_such_package_anywhere"),
            "models/stays.py": EXITS.format("json"),
            "models/broken.py": "from x import Model, ModelArgs\nprint 'python 2'\n",
        },
    )
    assert mlx_lm.supported(package).model_types == ("Klear", "llama", "maybe", "mistral", "stays")


@pytest.mark.parametrize(
    ("source", "takes"),
    [
        (PLAIN, "text"),
        (SEES, "image text"),
        (SEES.replace("(pixel_values)", "(pixel_values, kwargs.get('audio_codes'))"), "audio image text"),
        (PLAIN.replace(RETURN, "        # not pixel_values nor audio\n" + RETURN), "text"),
        (PLAIN.replace(RETURN, REFUSES.format("not ") + RETURN), "text"),
        (SEES.replace(RETURN, REFUSES.format("") + RETURN), "image"),
        ("class Model:\n    def __call__(self, x): ...\n", ""),
        ("class Model:\n    def get_input_embeddings(self, input_ids, mask): ...\n", ""),
        (SEES + "    decision_types = ('bool',)\n", ""),
        (SEES + "    def __call__(self) -> EmbeddingOutput: ...\n", ""),
        ("from ..llava.llava import Model\n", "image text"),
        ("from mlx_vlm.models.llava import Model as Base\nclass Model(Base, nn.Module):\n    x = 1\n", "image text"),
        ("from ..llava import Model as Base\nclass Model(Base):\n" + EMBED + "        return 1\n", "text"),
        ("from ..loop.loop import Model\n", ""),
        ("from elsewhere import Model\n", ""),
        ("from ....... import Model\n", ""),
        ("class Model(Model): ...\n", ""),
    ],
)
def test_mlx_vlm_by_what_a_model_does_with_its_inputs(tmp_path: Path, source: str, takes: str) -> None:
    package = write(
        tmp_path / "mlx_vlm",
        {
            "utils.py": 'MODEL_REMAPPING: dict = {"alias": "new", "Upper": "new", "lost": "gone"}\n',
            "models/new/__init__.py": "from .new import Model\nfrom .config import ModelConfig\n",
            "models/new/new.py": source,
            "models/llava/__init__.py": "from .llava import Model\nModelConfig = object\n",
            "models/llava/llava.py": SEES,
            "models/loop/__init__.py": "from .loop import Model\n",
            "models/loop/loop.py": "from . import Model\n",
            "models/painter/__init__.py": "from .painter import Pipeline\n",
        },
    )
    found = mlx_vlm.supported(package)
    assert found.model_types == ("alias", "llava", "new")
    kinds = {"audio": found.audio_types, "image": found.image_types, "text": found.text_types}
    for name in ("new", "alias"):
        assert " ".join(kind for kind, types in kinds.items() if name in types) == takes


def test_mlx_audio(tmp_path: Path) -> None:
    def model(generate: str) -> str:
        return f"class Model:\n    def generate({generate}):\n        ...\nModelConfig = 1\n"

    load = (
        "def load_model(p):\n"
        '    if kind == "a_tdt":\n        kw["model_type"] = "whisper"\n    elif kind == "b":\n        x = 1\n'
    )
    whisper = "class Whisper:\n    def generate(\n        self, audio, *, verbose=None, **kw\n    ):\n        ...\n"
    package = write(
        tmp_path / "mlx_audio",
        {
            "stt/utils.py": f'MODEL_REMAPPING = {{\n    "w": "whisper",\n    "al": "aligner",\n}}\n\n\n{load}',
            "stt/models/base.py": "",
            "stt/models/whisper/__init__.py": "from .w import Whisper as Model\n",
            "stt/models/whisper/w.py": whisper,
            "stt/models/aligner/__init__.py": model("self, audio, text, language='en'"),
            "stt/models/keyword/__init__.py": model("self, audio, *, text"),
            "stt/models/hands_on/__init__.py": "class Model:\n    def __getattr__(self, name): ...\n",
            "stt/models/encoder/__init__.py": "class Model:\n    def __call__(self, x): ...\n",
            "stt/models/tools/__init__.py": "",
            "tts/utils.py": 'MODEL_REMAPPING = {"csm": "sesame"}\n',
            "tts/models/sesame/__init__.py": "from .s import Model\n",
        },
    )
    found = mlx_audio.supported(package)
    others = ("al", "aligner", "encoder", "keyword")
    assert found == mlx_audio.Support(("a_tdt", "hands_on", "w", "whisper"), ("csm", "sesame"), others)


@pytest.mark.parametrize("backend", [mlx_lm, mlx_vlm, mlx_audio])
def test_half_a_package_supports_nothing(tmp_path: Path, backend: Any) -> None:
    assert backend.supported(tmp_path / "none") == backend.Support()
    (tmp_path / "models/x/__init__.py").mkdir(parents=True)
    (tmp_path / "models/y.py").symlink_to("y.py")
    (tmp_path / "utils.py").write_bytes(b"MODEL_REMAPPING = {\xff\0")
    assert backend.supported(tmp_path) == backend.Support()


# Runs in another process, because importing the libraries changes this one (and mlx_lm.models.olmo may exit it).
REAL = """
import importlib, inspect, json, pkgutil, sys

def load(name):
    try:
        return importlib.import_module(name)
    except BaseException as error:
        return type(error).__name__

def names(package):
    return [module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)]

def method(module, name):
    return getattr(getattr(module, "Model", None), name, None)

def parameters(function):
    return {} if function is None else dict(inspect.signature(function).parameters)

def needs_only_audio(function):
    needed = [one for one in list(parameters(function).values())[2:] if one.default is one.empty]
    return all(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in needed)

found = {"lm": {}, "vlm": {}, "stt": {}, "failed": []}
for name in names("mlx_lm.models"):
    module = load(f"mlx_lm.models.{name}")
    if isinstance(module, str):
        found["failed"].append(name)
    else:
        found["lm"][name] = hasattr(module, "Model") and hasattr(module, "ModelArgs")
for name in names("mlx_vlm.models"):
    module = load(f"mlx_vlm.models.{name}")
    if not isinstance(module, str) and hasattr(module, "__path__") and hasattr(module, "ModelConfig"):
        if hasattr(module, "Model"):
            embed, model = method(module, "get_input_embeddings"), module.Model
            found["vlm"][name] = {
                "embeds": "pixel_values" in parameters(embed),
                "decides": bool(getattr(model, "decision_types", ())),
                "returns": str(inspect.signature(model.__call__).return_annotation),
            }
for name in names("mlx_audio.stt.models"):
    module = load(f"mlx_audio.stt.models.{name}")
    if not isinstance(module, str) and hasattr(module, "Model"):
        generate = method(module, "generate")
        own = [one for one in module.Model.__mro__ if one.__module__.startswith("mlx_audio")]
        hands_on = any("__getattr__" in vars(one) for one in own)
        found["stt"][name] = needs_only_audio(generate) if generate else hands_on
found["registry"] = {kind: sorted(load("mlx_audio.registry").supported_model_types(kind)) for kind in ("stt", "tts")}
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    if not all(map(find_spec, ("mlx_lm", "mlx_vlm", "mlx_audio"))):
        pytest.skip("not all backends are installed")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", REAL], capture_output=True, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index('{"lm"') :])


def package(name: str) -> Path:
    found = installed.find(name)
    assert found
    return found.path


@pytest.mark.slow
def test_the_installed_mlx_lm(real: dict[str, Any]) -> None:
    types = set(mlx_lm.supported(package("mlx_lm")).model_types)
    assert {name for name, is_model in real["lm"].items() if is_model} <= types
    assert not {name for name, is_model in real["lm"].items() if not is_model} & types
    assert {"mistral", "kimi_k2"} <= types


@pytest.mark.slow
def test_the_installed_mlx_vlm(real: dict[str, Any]) -> None:
    found = mlx_vlm.supported(package("mlx_vlm"))
    assert real["vlm"].keys() <= set(found.model_types)
    generative = {
        name
        for name, told in real["vlm"].items()
        if told["embeds"] and not told["decides"] and "EmbeddingOutput" not in told["returns"]
    }
    packages = real["vlm"].keys()
    assert {*found.text_types, *found.image_types, *found.audio_types} & packages == generative
    assert set(found.audio_types) <= set(found.image_types)
    # Looked at by hand in 0.7.10.
    assert {"gemma3n", "phi4mm", "qwen3_omni_moe", "inkling", "minicpmo"} <= set(found.audio_types)
    assert {"qwen2_vl", "llava", "step3p7", "diffusion_gemma", "nemotron_parse"} <= set(found.image_types)
    assert not {"hrm_text", "llama", "sam3", "qwen3_vl_embedding", "clef", "rfdetr"} & set(found.image_types)
    assert "nemotron_parse" not in found.text_types


@pytest.mark.slow
def test_the_installed_mlx_audio(real: dict[str, Any]) -> None:
    found = mlx_audio.supported(package("mlx_audio"))
    speech, registry = set(found.model_types), real["registry"]
    assert {name for name, transcribes in real["stt"].items() if transcribes} <= speech
    assert not {name for name, transcribes in real["stt"].items() if not transcribes} & speech
    assert speech - set(registry["stt"]) == {"nemotron_asr_streaming"}
    assert list(found.tts_types) == registry["tts"]
