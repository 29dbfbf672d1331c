"""Weight files taken apart and put together again, byte for byte, whatever stands in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..tiny.files import write_json


@dataclass(frozen=True)
class Tensor:
    dtype: str
    shape: tuple[int, ...]
    data: bytes


Tensors = dict[str, Tensor]


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def read(file: Path) -> Tensors:
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    body = content[8 + length :]
    return {
        name: Tensor(entry["dtype"], tuple(entry["shape"]), body[slice(*entry["data_offsets"])])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def write(file: Path, found: Mapping[str, Tensor]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    offset = 0
    for name, tensor in found.items():
        end = offset + len(tensor.data)
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    write_raw(file, json.dumps(header).encode(), b"".join(tensor.data for tensor in found.values()))


def write_raw(file: Path, header: bytes, body: bytes) -> None:
    header += b" " * (-len(header) % 8)
    file.write_bytes(len(header).to_bytes(8, "little") + header + body)


def edit_header(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes what the header says, and leaves the data as it is."""
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    change(header)
    write_raw(file, json.dumps(header).encode(), content[8 + length :])


def edit(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Changes the tensors of every shard; an index is made to fit."""
    for file in shards(folder):
        write(file, change(read(file)))
    index(folder)


def index(folder: Path) -> None:
    """Writes the index anew where there is one."""
    file = folder / "model.safetensors.index.json"
    if file.exists():
        weight_map = {name: shard.name for shard in shards(folder) for name in read(shard)}
        write_json(file, {"metadata": {}, "weight_map": weight_map})


def split(folder: Path, count: int) -> None:
    """model.safetensors as that many shards with an index."""
    whole = folder / "model.safetensors"
    found = read(whole)
    whole.unlink()
    for number in range(count):
        part = {name: found[name] for name in sorted(found)[number::count]}
        write(folder / f"model-{number + 1:05}-of-{count:05}.safetensors", part)
    (folder / "model.safetensors.index.json").touch()
    index(folder)


def float32(array: np.ndarray) -> Tensor:
    return Tensor("F32", array.shape, np.ascontiguousarray(array, dtype="<f4").tobytes())


def quantize(folder: Path, bits: int, group_size: int) -> None:
    """Packs embeddings and the linear layers of the language part, as the libraries' own conversion does."""
    import mlx.core as mx

    def packed(found: Tensors) -> Tensors:
        result: Tensors = {}
        for name, tensor in found.items():
            fits = len(tensor.shape) == 2 and tensor.shape[-1] % group_size == 0 and name.endswith(".weight")
            if not fits or any(word in name for word in ("vision", "visual", "conv", "pos", "encoder", "norm")):
                result[name] = tensor
                continue
            plain = mx.array(np.frombuffer(tensor.data, dtype="<f4").reshape(tensor.shape))
            weight, scales, biases = mx.quantize(plain, group_size=group_size, bits=bits)
            result[name] = Tensor("U32", tuple(weight.shape), np.array(weight).tobytes())
            prefix = name.removesuffix("weight")
            result[f"{prefix}scales"], result[f"{prefix}biases"] = float32(np.array(scales)), float32(np.array(biases))
        return result

    edit(folder, packed)
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | {"quantization": {"bits": bits, "group_size": group_size}})
