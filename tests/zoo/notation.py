"""A model as the text of its file: lists of numbers and words, and small mappings, in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from .catalogue import SHARD_BYTES, Model, Weights
from .ranges import short

_SAID = ("name", "source", "notes", "quantisation", "made_with", "on_purpose", "expect", "truth")
_ORDER = (*_SAID, "config", "weights", "sparse", "files")
_ONE_LINE = 110


def text(model: Model) -> str:
    """What `catalogue.read` makes this model of."""
    said = {key: getattr(model, key) for key in _ORDER}
    said |= {"config": short(model.config), "files": short(model.files)}
    said["weights"] = {name: _weights(weights) for name, weights in model.weights.items()}
    return dump({key: value for key, value in said.items() if value not in (None, "", {})})


def _weights(weights: Weights) -> dict[str, Any]:
    limit = None if weights.shard_bytes == SHARD_BYTES else weights.shard_bytes
    said = {"metadata": weights.metadata, "shard_bytes": limit, "index": weights.index}
    return {key: value for key, value in said.items() if value is not None} | {"tensors": weights.tensors}


def dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True  # a person need not look for what is meant

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _mapping(dumper: _Dumper, value: Mapping[Any, Any]) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=_small(value))


def _sequence(dumper: _Dumper, value: Sequence[Any]) -> yaml.Node:
    flow = all(_scalar(item) or (isinstance(item, (list, tuple)) and all(map(_scalar, item))) for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flow or _small(value))


def _small(value: Any) -> bool:
    """Goes into a line and is easily read there: at most one level inside."""
    inner = value.values() if isinstance(value, Mapping) else value
    flat = all(_scalar(item) or not any(True for _ in item) or _flat(item) for item in inner)
    return flat and "\n" not in str(value) and len(str(value).replace("'", "")) <= _ONE_LINE


def _flat(value: Any) -> bool:
    return all(map(_scalar, value.values() if isinstance(value, Mapping) else value))


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _string(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


for _type in (dict, Mapping):
    _Dumper.add_multi_representer(_type, _mapping)
for _type in (list, tuple):
    _Dumper.add_representer(_type, _sequence)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(str, _string)
