"""The model files: tests/zoo/models/KIND/NAME.yaml, one for each model, read as frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from ..case_files import read_yaml
from .ranges import whole
from .tensors import Rows

MODELS = Path(__file__).parent / "models"
KINDS = ("text", "vision", "speech", "other")
SHARD_BYTES = 5 << 30


@dataclass(frozen=True)
class Weights:
    """A safetensors file, or the shards and the index that it is cut into; `tensors` as in tests/zoo/tensors.py.

    `metadata` is the header's. An index is written for more than one shard, unless `index` says otherwise.
    """

    tensors: Rows
    metadata: Mapping[str, str] | None = None
    shard_bytes: int = SHARD_BYTES
    index: bool | None = None


@dataclass(frozen=True)
class Model:
    """`config` is what config.json holds, None where there is none; `files` are documents by name (documents.py).

    `sparse` are files of so many bytes of nothing. `truth` is by backend what the libraries said (README.md);
    `expect` is by request (text, image, audio) the backends that take it, none where it is to be refused.
    `on_purpose` says why a model is to be refused though a backend would load it.
    """

    name: str
    kind: str
    source: str
    config: Any
    notes: str = ""
    quantisation: str = ""
    made_with: str = ""
    on_purpose: str = ""
    expect: Mapping[str, Sequence[str]] = field(default_factory=dict)
    truth: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    weights: Mapping[str, Weights] = field(default_factory=dict)
    sparse: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)


def models(kind: str | None = None) -> Iterator[Model]:
    """Every model, or those of one kind, in the order of their names."""
    yield from map(read, _files(kind or "*", "*"))


def named(*names: str) -> Iterator[Model]:
    """The models of these names, which may end in `*`."""
    yield from map(read, dict.fromkeys(file for name in names for file in _files("*", name)))


def _files(kind: str, name: str) -> Iterator[Path]:
    files = sorted(MODELS.glob(f"{kind}/*.yaml"), key=lambda file: (file.parent.name, file.name))
    return (file for file in files if fnmatchcase(file.stem, name))


def read(file: Path) -> Model:
    """Raises ValueError where a file is not of this shape."""
    try:
        said = read_yaml(file)
        weights = {name: Weights(**weight) for name, weight in said.pop("weights", {}).items()}
        documents = {"config": whole(said.pop("config", None)), "files": whole(said.pop("files", {}))}
        model = Model(**said, **documents, kind=file.parent.name, weights=weights)
    except (TypeError, AttributeError, yaml.YAMLError) as error:
        raise ValueError(f"{file.name}: {error}") from error
    if model.name != file.stem:
        raise ValueError(f"{file.name} is named {model.name} inside")
    return model
