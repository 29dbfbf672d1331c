"""What can be wrong with weights: files, their index, the tensors in them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..tiny.files import write_json
from . import tensors
from .change import POINTER, Change, DoesNotApply
from .tensors import Tensor, Tensors


def _first(folder: Path) -> Path:
    return tensors.shards(folder)[0]


# --- weight files


def _cut(folder: Path, left: Callable[[int, int], int]) -> None:
    """Keeps so many bytes, told from the size and the length of the header."""
    content = _first(folder).read_bytes()
    _first(folder).write_bytes(content[: left(len(content), int.from_bytes(content[:8], "little"))])


def _replace(folder: Path, content: bytes) -> None:
    _first(folder).write_bytes(content)


def _rename_all(folder: Path, name: str) -> None:
    files = tensors.shards(folder)
    for number, file in enumerate(files):
        file.rename(folder / (name if len(files) == 1 else name.replace(".", f"-{number}.", 1)))
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)


def _arrays(folder: Path) -> dict[str, np.ndarray]:
    kinds = {"F32": "<f4", "U32": "<u4", "F16": "<f2"}
    return {
        name: np.frombuffer(tensor.data, dtype=kinds[tensor.dtype]).reshape(tensor.shape)
        for file in tensors.shards(folder)
        for name, tensor in tensors.read(file).items()
    }


def _remove_all(folder: Path) -> None:
    for file in tensors.shards(folder):
        file.unlink()
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)


def _npz(folder: Path, beside: bool = False) -> None:
    np.savez(folder / "weights.npz", **_arrays(folder))
    if not beside:
        _remove_all(folder)


def _other_format(folder: Path, name: str, beside: bool = False) -> None:
    (folder / name).write_bytes(b"GGUF\x03\0\0\0" + b"\0" * 64)
    if not beside:
        _remove_all(folder)


def _below(folder: Path) -> None:
    (folder / "sub").mkdir()
    for file in tensors.shards(folder):
        file.rename(folder / "sub" / file.name)


def _as_folder(folder: Path) -> None:
    file = _first(folder)
    file.unlink()
    file.mkdir()


def _dangling(folder: Path) -> None:
    file = _first(folder)
    file.unlink()
    file.symlink_to("gone")


def _linked(folder: Path) -> None:
    blobs = folder.parent / f"{folder.name}-blobs"
    blobs.mkdir()
    for file in tensors.shards(folder):
        file.rename(blobs / file.name)
        file.symlink_to(blobs / file.name)


def _adapters(folder: Path, beside: bool) -> None:
    tensors.write(folder / "adapters.safetensors", {"x.lora_a": tensors.float32(np.ones((4, 4)))})
    write_json(folder / "adapter_config.json", {"fine_tune_type": "lora", "num_layers": 1, "lora_parameters": {}})
    if not beside:
        for file in tensors.shards(folder):
            if file.name != "adapters.safetensors":
                file.unlink()
        (folder / "model.safetensors.index.json").unlink(missing_ok=True)


def _copy(folder: Path, name: str) -> None:
    shutil.copy(_first(folder), folder / name)


def _drop_index(folder: Path) -> None:
    _index_file(folder).unlink()


def _index_file(folder: Path) -> Path:
    file = folder / "model.safetensors.index.json"
    if not file.exists():
        raise DoesNotApply
    return file


def _index(folder: Path, change: Callable[[Any], Any] | bytes) -> None:
    file = _index_file(folder)
    if isinstance(change, bytes):
        file.write_bytes(change)
    else:
        write_json(file, change(json.loads(file.read_text())))


def _index_here(folder: Path, weight_map: Any) -> None:
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})


def _delete_shard(folder: Path, number: int) -> None:
    _index_file(folder)
    tensors.shards(folder)[number].unlink()


def _name_missing_shard(value: dict[str, Any]) -> dict[str, Any]:
    value["weight_map"]["gone.weight"] = "model-00009-of-00009.safetensors"
    return value


def _name_one_shard_only(value: dict[str, Any]) -> dict[str, Any]:
    last = max(value["weight_map"].values())
    value["weight_map"] = {name: file for name, file in value["weight_map"].items() if file != last}
    return value


def _header(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    tensors.edit_header(_first(folder), change)


def _one(header: dict[str, Any]) -> dict[str, Any]:
    """The largest tensor's entry."""
    entries = [entry for name, entry in header.items() if name != "__metadata__"]
    return max(entries, key=lambda entry: entry["data_offsets"][1] - entry["data_offsets"][0])


def _shift(header: dict[str, Any]) -> None:
    entry = _one(header)
    entry["data_offsets"] = [0, entry["data_offsets"][1] - entry["data_offsets"][0]]


# --- tensors


def _matching(found: Iterable[str], ends: tuple[str, ...]) -> list[str]:
    return [name for name in found if name.endswith(ends)]


_EMBEDDING = (
    "embed_tokens.weight",
    "token_embedding.weight",
    "embed_tokens.scales",
    "embed_tokens.biases",
    "token_embedding.scales",
    "token_embedding.biases",
)
_OUTPUT = (
    "lm_head.weight",
    "lm_head.scales",
    "lm_head.biases",
    "proj_out.weight",
    "proj_out.scales",
    "proj_out.biases",
)
_TOWERS = ("vision", "visual", "connector", "projector", "merger")


def _without(folder: Path, gone: Callable[[str], bool], everywhere: bool = True) -> None:
    removed: list[str] = []

    def change(found: Tensors) -> Tensors:
        names = [name for name in found if gone(name)]
        if not everywhere:
            names = names[: 1 - len(removed)]
        removed.extend(names)
        return {name: tensor for name, tensor in found.items() if name not in names}

    tensors.edit(folder, change)
    if not removed:
        raise DoesNotApply


def _with(folder: Path, name: str) -> None:
    file = _first(folder)
    tensors.write(file, {**tensors.read(file), name: tensors.float32(np.ones((4, 4)))})
    tensors.index(folder)


def _reshape(folder: Path, ends: tuple[str, ...], change: Callable[[Tensor], Tensor]) -> None:
    done: list[str] = []

    def edited(found: Tensors) -> Tensors:
        names = _matching(found, ends)
        done.extend(names)
        return {name: change(tensor) if name in names else tensor for name, tensor in found.items()}

    tensors.edit(folder, edited)
    if not done:
        raise DoesNotApply


def _fewer_rows(tensor: Tensor) -> Tensor:
    row = len(tensor.data) // tensor.shape[0]
    return Tensor(tensor.dtype, (tensor.shape[0] - 1, *tensor.shape[1:]), tensor.data[:-row])


def _transposed(tensor: Tensor) -> Tensor:
    return Tensor(tensor.dtype, tensor.shape[::-1], tensor.data)


def _float16(folder: Path) -> None:
    def change(tensor: Tensor) -> Tensor:
        if tensor.dtype != "F32":
            return tensor
        data = np.frombuffer(tensor.data, dtype="<f4").astype("<f2").tobytes()
        return Tensor("F16", tensor.shape, data)

    _reshape(folder, ("",), change)


def _prefixed(folder: Path, prefix: str) -> None:
    tensors.edit(folder, lambda found: {prefix + name: tensor for name, tensor in found.items()})


def groups() -> dict[str, dict[str, Change]]:
    """Every change of weights by its name, in groups."""
    cut, replace, index, header = _cut, _replace, _index, _header
    return {
        "weights": {
            "header cut": partial(cut, left=lambda size, length: length // 2),
            "length cut": partial(cut, left=lambda size, length: 5),
            "header only": partial(cut, left=lambda size, length: 8 + length),
            "data cut": partial(cut, left=lambda size, length: size - (size - length) // 2),
            "one byte short": partial(cut, left=lambda size, length: size - 1),
            "bytes behind": lambda folder: _first(folder).write_bytes(_first(folder).read_bytes() + b"\0" * 100),
            "lfs pointer": partial(replace, content=POINTER),
            "empty file": partial(replace, content=b""),
            "garbage": partial(replace, content=b"\x17\x42garbage" * 999),
            "html": partial(replace, content=b"<!DOCTYPE html><html>not found</html>" * 20),
            "header of 1 TB": partial(replace, content=(1 << 40).to_bytes(8, "little") + b"{}" * 99),
            "header not json": partial(replace, content=(64).to_bytes(8, "little") + b"{" * 64 + b"\0" * 99),
            "header a list": partial(replace, content=(8).to_bytes(8, "little") + b"[1, 2]  "),
            "header empty": partial(replace, content=(8).to_bytes(8, "little") + b"{}      "),
            "shape and offsets differ": partial(header, change=lambda h: _one(h).update(shape=[3])),
            "offsets overlap": partial(header, change=_shift),
            "offsets reversed": partial(header, change=lambda h: _one(h)["data_offsets"].reverse()),
            "offsets missing": partial(header, change=lambda h: _one(h).pop("data_offsets")),
            "dtype unknown": partial(header, change=lambda h: _one(h).update(dtype="Q3")),
            "dtype of another size": partial(header, change=lambda h: _one(h).update(dtype="F16")),
            "dtype F64": partial(header, change=lambda h: _one(h).update(dtype="F64")),
            "removed": _remove_all,
            "named weights": partial(_rename_all, name="weights.safetensors"),
            "named consolidated": partial(_rename_all, name="consolidated.safetensors"),
            "named pytorch_model": partial(_rename_all, name="pytorch_model.safetensors"),
            "named model-fp16": partial(_rename_all, name="model-fp16.safetensors"),
            "named Model": partial(_rename_all, name="MODEL.safetensors"),
            "npz": _npz,
            "npz beside": partial(_npz, beside=True),
            "gguf": partial(_other_format, name="model.gguf"),
            "gguf beside": partial(_other_format, name="model.gguf", beside=True),
            "bin": partial(_other_format, name="pytorch_model.bin"),
            "bin beside": partial(_other_format, name="pytorch_model.bin", beside=True),
            "pt": partial(_other_format, name="model.pt"),
            "in a sub-folder": _below,
            "a folder": _as_folder,
            "a link to nothing": _dangling,
            "a link": _linked,
            "adapters only": partial(_adapters, beside=False),
            "adapters beside": partial(_adapters, beside=True),
            "consolidated beside": partial(_copy, name="consolidated.safetensors"),
            "broken consolidated beside": lambda f: (f / "consolidated.safetensors").write_bytes(b"junk"),
            "broken model-x beside": lambda f: (f / "model-x.safetensors").write_bytes(b"junk"),
            "copy beside": partial(_copy, name="model-copy.safetensors"),
        },
        "index": {
            "no index": _drop_index,
            "index broken": partial(index, change=b"{"),
            "index empty": partial(index, change=b""),
            "index a list": partial(index, change=b"[1]"),
            "index without map": partial(index, change=lambda value: {"metadata": {}}),
            "index map empty": partial(index, change=lambda value: {"weight_map": {}}),
            "index map a list": partial(index, change=lambda value: {"weight_map": [1]}),
            "index map of numbers": partial(index, change=lambda value: {"weight_map": {"x": 1}}),
            "index names a missing shard": partial(index, change=_name_missing_shard),
            "index names one of two": partial(index, change=_name_one_shard_only),
            "first shard gone": partial(_delete_shard, number=0),
            "last shard gone": partial(_delete_shard, number=-1),
            "index of another model": partial(_index_here, weight_map={"x": "model-00001-of-00002.safetensors"}),
        },
        "tensors": {
            "embedding missing": partial(_without, gone=lambda name: name.endswith(_EMBEDDING)),
            "output missing": partial(_without, gone=lambda name: name.endswith(_OUTPUT)),
            "layer missing": partial(_without, gone=lambda name: ".layers." in name or ".blocks." in name),
            "one bias missing": partial(_without, gone=lambda name: name.endswith("bias"), everywhere=False),
            "one norm missing": partial(_without, gone=lambda name: "norm" in name or "_ln" in name, everywhere=False),
            "tower missing": partial(_without, gone=lambda name: any(word in name for word in _TOWERS)),
            "one tower tensor missing": partial(
                _without, gone=lambda name: any(word in name for word in _TOWERS), everywhere=False
            ),
            "projector missing": partial(
                _without,
                gone=lambda name: any(word in name for word in ("connector", "projector", "merger")),
            ),
            "language missing": partial(
                _without, gone=lambda name: not any(word in name for word in (*_TOWERS, "encoder"))
            ),
            "encoder missing": partial(_without, gone=lambda name: "encoder." in name),
            "decoder missing": partial(_without, gone=lambda name: "decoder." in name),
            "scales missing": partial(_without, gone=lambda name: name.endswith("scales"), everywhere=False),
            "extra tensor": partial(_with, name="extra.weight"),
            "extra layer": partial(_with, name="model.layers.7.mlp.up_proj.weight"),
            "extra rotary": partial(_with, name="model.layers.0.self_attn.rotary_emb.inv_freq"),
            "embedding short": partial(_reshape, ends=_EMBEDDING, change=_fewer_rows),
            "output short": partial(_reshape, ends=_OUTPUT, change=_fewer_rows),
            "transposed": partial(_reshape, ends=("up_proj.weight", "mlp1.weight", "fc1.weight"), change=_transposed),
            "float16": _float16,
            "prefixed": partial(_prefixed, prefix="foo."),
        },
    }
