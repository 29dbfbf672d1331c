"""An adapter's folder as mlx-lm trains one, looked at without a tensor read: id, bytes, what is wrong with it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from .. import bounded_files
from ..facts import documents, folder, plain_json, safetensors
from ..problems import LoaderError

CONFIG, WEIGHTS = "adapter_config.json", "adapters.safetensors"
_CONFIG_BYTES = 1 << 20
_MAX_TENSORS = 100_000
_MAX_RANK = 1 << 16
_KINDS = ("lora", "dora", "full")
_OF_ANOTHER = "adapter_model.safetensors"


class Adapter(NamedTuple):
    """An adapter. id: the folder's name. size_bytes: of its tensors. fingerprint: what tells its files from others."""

    id: str
    folder: str
    size_bytes: int
    fingerprint: str


def read(path: str | Path) -> Adapter:
    """Return the adapter in a folder. Raises LoaderError not_an_adapter, which says what is lacking or wrong."""
    place = Path(bounded_files.absolute(str(path)))
    fingerprint = folder.listing(str(place)).fingerprint  # before the files are read: one that changes is another
    name = plain_json.shown(place.resolve().name)
    if not place.is_dir():
        raise _wrong(name, "there is no such folder")
    config = documents.read(place / CONFIG, _CONFIG_BYTES)
    if config.value is None:
        raise _wrong(name, f"its {CONFIG} is {config.status}")
    if not (place / WEIGHTS).exists() and (place / _OF_ANOTHER).exists():
        raise _wrong(name, f"it has {_OF_ANOTHER}, which is PEFT's form of one, and mlx-lm loads {WEIGHTS}")
    _check(name, config.value)
    header = safetensors.read(place / WEIGHTS, max_tensors=_MAX_TENSORS)
    if header.fault is not None:
        raise _wrong(name, f"its {WEIGHTS}: {plain_json.shown(header.fault)}")
    if not header.tensors:
        raise _wrong(name, f"its {WEIGHTS} holds no tensor")
    return Adapter(name, str(place), sum(tensor.size_bytes for tensor in header.tensors.values()), fingerprint)


def _check(name: str, config: dict[str, Any]) -> None:
    """Hold adapter_config.json to what mlx-lm's load_adapters takes from it. Raises LoaderError."""
    kind = config.get("fine_tune_type", "lora")
    if kind not in _KINDS:
        raise _wrong(name, f"its fine_tune_type is none of {', '.join(_KINDS)}")
    if kind == "full":
        return
    if type(config.get("num_layers")) is not int:
        raise _wrong(name, f"its {CONFIG} has no num_layers, a whole number")
    parameters = config.get("lora_parameters")
    if not isinstance(parameters, dict):
        raise _wrong(name, f"its {CONFIG} has no lora_parameters, an object")
    for word in ("rank", "scale", "dropout"):
        value = parameters.get(word)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _wrong(name, f"the {word} in its lora_parameters is no number")
    rank = parameters["rank"]
    if not isinstance(rank, int) or not 0 < rank <= _MAX_RANK:
        raise _wrong(name, f"the rank in its lora_parameters is no whole number of 1 to {_MAX_RANK}")
    keys = parameters.get("keys")
    if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise _wrong(name, "the keys in its lora_parameters are no list of names")


def _wrong(name: str, what: str) -> LoaderError:
    help = f"name a folder with {CONFIG} and {WEIGHTS}, as `mlx_lm.lora --train` writes it"
    return LoaderError("not_an_adapter", f"`{name}` is no adapter of mlx-lm: {what}", help)
