"""What can be wrong with a model folder, or merely different: one named change each, made on a sound folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..tiny.files import write_json
from . import tensors
from .tensors import Tensor, Tensors

Change = Callable[[Path], object]


class DoesNotApply(Exception):
    """The folder has nothing that this change could change."""


@dataclass(frozen=True)
class Damage:
    name: str
    change: Change
    group: str


def _first(folder: Path) -> Path:
    return tensors.shards(folder)[0]


# --- weight files


def _cut(folder: Path, left: Callable[[int, int], int]) -> None:
    """Keeps so many bytes, told from the size and the length of the header."""
    content = _first(folder).read_bytes()
    _first(folder).write_bytes(content[: left(len(content), int.from_bytes(content[:8], "little"))])


def _replace(folder: Path, content: bytes) -> None:
    _first(folder).write_bytes(content)


_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456789\n"


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


# --- documents


def _merge(folder: Path, name: str, more: dict[str, Any]) -> None:
    file = folder / name
    value = json.loads(file.read_text()) if file.exists() else {}
    write_json(file, value | more)


def _drop_key(folder: Path, name: str, *path: str) -> None:
    file = folder / name
    if not file.exists():
        raise DoesNotApply
    value = json.loads(file.read_text())
    inner = value
    for key in path[:-1]:
        inner = inner.get(key) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or path[-1] not in inner:
        raise DoesNotApply
    del inner[path[-1]]
    write_json(file, value)


def _set_language(folder: Path, key: str, change: Callable[[Any], Any], optional: bool = False) -> None:
    """Changes a key of the language part: in text_config where there is one, else at the top."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    part = config["text_config"] if isinstance(config.get("text_config"), dict) else config
    for name in (key, f"n_{key}", {"vocab_size": "n_vocab", "hidden_size": "n_text_state"}.get(key, "")):
        if name in part:
            part[name] = change(part[name])
            break
    else:
        if not optional:
            raise DoesNotApply
    write_json(file, config)


def _write(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


def _remove(folder: Path, *names: str) -> None:
    found = [folder / name for name in names if (folder / name).exists()]
    if not found:
        raise DoesNotApply
    for file in found:
        file.unlink()


def _truncate(folder: Path, name: str) -> None:
    file = folder / name
    if not file.exists():
        raise DoesNotApply
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _with_mark(folder: Path, name: str) -> None:
    file = folder / name
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())


def _quantization(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads((folder / "config.json").read_text())
    if "quantization" not in config:
        raise DoesNotApply
    value = change(dict(config["quantization"]))
    config.pop("quantization_config", None)
    write_json(folder / "config.json", {**config, "quantization": value})


def _plain_as_quantized(folder: Path, value: Any, key: str = "quantization") -> None:
    if "quantization" in json.loads((folder / "config.json").read_text()):
        raise DoesNotApply
    _merge(folder, "config.json", {key: value})


def _no_quantization(folder: Path) -> None:
    if "quantization" not in json.loads((folder / "config.json").read_text()):
        raise DoesNotApply
    for key in ("quantization", "quantization_config"):
        if key in json.loads((folder / "config.json").read_text()):
            _drop_key(folder, "config.json", key)


def _upper_case_type(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | {"model_type": config["model_type"].upper()})


def _only(folder: Path, keep: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {keep: config[keep]})


def _slow_tokenizer(folder: Path) -> None:
    """vocab.json and merges.txt, as GPT-2 has, in place of tokenizer.json."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"] | {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer.json").unlink()


_CODE = b"raise SystemExit(3)\n"


def _damages() -> dict[str, dict[str, Change]]:
    cut, replace, merge, write = _cut, _replace, _merge, _write
    index, header, quantization, plain = _index, _header, _quantization, _plain_as_quantized
    return {
        "weights": {
            "header cut": partial(cut, left=lambda size, length: length // 2),
            "length cut": partial(cut, left=lambda size, length: 5),
            "header only": partial(cut, left=lambda size, length: 8 + length),
            "data cut": partial(cut, left=lambda size, length: size - (size - length) // 2),
            "one byte short": partial(cut, left=lambda size, length: size - 1),
            "bytes behind": lambda folder: _first(folder).write_bytes(_first(folder).read_bytes() + b"\0" * 100),
            "lfs pointer": partial(replace, content=_POINTER),
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
    } | _documents(merge, write, quantization, plain)


def _documents(merge: Any, write: Any, quantization: Any, plain: Any) -> dict[str, dict[str, Change]]:
    def drop(*path: str) -> Change:
        return lambda folder: _drop_key(folder, "config.json", *path)

    def language(key: str, change: Callable[[Any], Any]) -> Change:
        return partial(_set_language, key=key, change=change)

    def top(**more: Any) -> Change:
        return partial(merge, name="config.json", more=more)

    config: dict[str, Change] = {
        "config missing": lambda folder: _remove(folder, "config.json"),
        "config empty": partial(write, name="config.json", content=b""),
        "config {}": partial(write, name="config.json", content=b"{}"),
        "config list": partial(write, name="config.json", content=b"[1]"),
        "config null": partial(write, name="config.json", content=b"null"),
        "config truncated": lambda folder: _truncate(folder, "config.json"),
        "config with byte order mark": lambda folder: _with_mark(folder, "config.json"),
        "config only type": lambda folder: _only(folder, "model_type"),
        "type missing": drop("model_type"),
        "type null": top(model_type=None),
        "type a number": top(model_type=7),
        "type unknown": top(model_type="unheard_of"),
        "type upper case": _upper_case_type,
        "type with a dash": top(model_type="no-such.type/../x"),
        "vocabulary + 1": language("vocab_size", lambda size: size + 1),
        "vocabulary - 1": language("vocab_size", lambda size: size - 1),
        "width doubled": language("hidden_size", lambda size: size * 2),
        "one layer more": language("num_hidden_layers", lambda count: count + 1),
        "one layer less": language("num_hidden_layers", lambda count: count - 1),
        "heads doubled": language("num_attention_heads", lambda count: count * 2),
        "heads zero": language("num_attention_heads", lambda count: 0),
        "width a string": language("hidden_size", str),
        "width null": language("hidden_size", lambda size: None),
        "layers a float": language("num_hidden_layers", float),
        "head_dim removed": lambda f: _drop_language(f, "head_dim"),
        "intermediate doubled": language("intermediate_size", lambda size: size * 2),
        "tied": lambda f: _tie(f, True),
        "tie removed": lambda f: _drop_language(f, "tie_word_embeddings"),
        "rope scaling unknown": top(rope_scaling={"type": "unheard", "factor": 2.0}),
        "rope scaling a string": top(rope_scaling="x"),
        "architectures unknown": top(architectures=["NoSuchModel"]),
        "architectures null": top(architectures=None),
        "architectures a string": top(architectures="LlamaForCausalLM"),
        "architecture of a classifier": top(architectures=["LlamaForSequenceClassification"]),
        "unknown key": top(unheard_of={"a": [1]}),
        "NaN": lambda folder: (folder / "config.json").write_text(
            (folder / "config.json").read_text().rstrip()[:-1] + ', "x": NaN}'
        ),
        "model_file": lambda folder: (top(model_file="evil.py")(folder), write(folder, "evil.py", _CODE)),
        "model_file that is not there": top(model_file="evil.py"),
        "model_file null": top(model_file=None),
        "auto_map": top(auto_map={"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
        "python beside": partial(write, name="modeling.py", content=_CODE),
        "text_config null": top(text_config=None),
        "text_config removed": drop("text_config"),
        "text_config a list": top(text_config=[1]),
        "vision_config removed": drop("vision_config"),
        "vision_config null": top(vision_config=None),
        "vision_config {}": top(vision_config={}),
        "audio_config {}": top(audio_config={}),
        "audio_config null": top(audio_config=None),
        "generation_config broken": partial(write, name="generation_config.json", content=b"{"),
        "generation_config a list": partial(write, name="generation_config.json", content=b"[1]"),
        "generation_config empty": partial(write, name="generation_config.json", content=b""),
        "llm_config": top(llm_config={"hidden_size": 7}),
        "dflash_config": top(dflash_config={}),
    }
    quantized: dict[str, Change] = {
        "plain, config says 4 bit": partial(plain, value={"bits": 4, "group_size": 32}),
        "plain, config says 3 bit": partial(plain, value={"bits": 3, "group_size": 64}),
        "plain, quantization null": partial(plain, value=None),
        "plain, quantization {}": partial(plain, value={}),
        "plain, quantization a string": partial(plain, value="4bit"),
        "plain, quantization_config {}": partial(plain, value={}, key="quantization_config"),
        "plain, quantization_config null": partial(plain, value=None, key="quantization_config"),
        "plain, quantization_config of 4 bit": partial(
            plain, value={"bits": 4, "group_size": 32}, key="quantization_config"
        ),
        "plain, bitsandbytes": partial(
            plain, value={"quant_method": "bitsandbytes", "load_in_4bit": True}, key="quantization_config"
        ),
        "plain, awq": partial(
            plain, value={"quant_method": "awq", "bits": 4, "group_size": 32}, key="quantization_config"
        ),
        "plain, gptq 8 bit": partial(plain, value={"quant_method": "gptq", "bits": 8}, key="quantization_config"),
        "plain, compressed-tensors": partial(
            plain, value={"quant_method": "compressed-tensors", "format": "float-quantized"}, key="quantization_config"
        ),
        "plain, fp8": partial(plain, value={"quant_method": "fp8"}, key="quantization_config"),
        "packed, config says nothing": _no_quantization,
        "packed, quantization null": partial(quantization, change=lambda value: None),
        "packed, quantization {}": partial(quantization, change=lambda value: {}),
        "packed, no bits": partial(quantization, change=lambda value: {"group_size": value["group_size"]}),
        "packed, no group_size": partial(quantization, change=lambda value: {"bits": value["bits"]}),
        "packed, bits 8": partial(quantization, change=lambda value: {**value, "bits": 8}),
        "packed, bits 3": partial(quantization, change=lambda value: {**value, "bits": 3}),
        "packed, bits 5": partial(quantization, change=lambda value: {**value, "bits": 5}),
        "packed, bits 7": partial(quantization, change=lambda value: {**value, "bits": 7}),
        "packed, bits a string": partial(quantization, change=lambda value: {**value, "bits": "4"}),
        "packed, bits null": partial(quantization, change=lambda value: {**value, "bits": None}),
        "packed, group 64": partial(quantization, change=lambda value: {**value, "group_size": 64}),
        "packed, group 128": partial(quantization, change=lambda value: {**value, "group_size": 128}),
        "packed, group 48": partial(quantization, change=lambda value: {**value, "group_size": 48}),
        "packed, mode affine": partial(quantization, change=lambda value: {**value, "mode": "affine"}),
        "packed, mode mxfp4": partial(quantization, change=lambda value: {**value, "mode": "mxfp4"}),
        "packed, mode unknown": partial(quantization, change=lambda value: {**value, "mode": "x"}),
        "packed, only quantization_config": lambda folder: _legacy(folder),
    }

    def file(name: str, content: bytes) -> Change:
        def change(folder: Path) -> None:
            if not (folder / name).exists():
                raise DoesNotApply
            (folder / name).write_bytes(content)

        return change

    def gone(*names: str) -> Change:
        return lambda folder: _remove(folder, *names)

    def tokenizer(**more: Any) -> Change:
        return partial(merge, name="tokenizer_config.json", more=more)

    tokenizers: dict[str, Change] = {
        "tokenizer.json missing": gone("tokenizer.json"),
        "tokenizer.json truncated": lambda folder: _truncate(folder, "tokenizer.json"),
        "tokenizer.json empty": file("tokenizer.json", b""),
        "tokenizer.json {}": file("tokenizer.json", b"{}"),
        "tokenizer.json a list": file("tokenizer.json", b"[1]"),
        "tokenizer.json garbage": file("tokenizer.json", b"\x80\x02garbage" * 99),
        "tokenizer.json a pointer": file("tokenizer.json", _POINTER),
        "tokenizer.json no model": lambda folder: _drop_key(folder, "tokenizer.json", "model"),
        "tokenizer.json no vocab": lambda folder: _drop_key(folder, "tokenizer.json", "model", "vocab"),
        "tokenizer.json no decoder": lambda folder: _drop_key(folder, "tokenizer.json", "decoder"),
        "tokenizer.json no added_tokens": lambda folder: _drop_key(folder, "tokenizer.json", "added_tokens"),
        "tokenizer.json no version": lambda folder: _drop_key(folder, "tokenizer.json", "version"),
        "tokenizer.json one byte short": lambda folder: _shorten(folder / "tokenizer.json", 2),
        "tokenizer.json bytes behind": lambda folder: _lengthen(folder / "tokenizer.json"),
        "slow tokenizer": _slow_tokenizer,
        "slow tokenizer, GPT-2": lambda f: (_slow_tokenizer(f), tokenizer(tokenizer_class="GPT2Tokenizer")(f)),
        "tokenizer.model garbage beside": partial(write, name="tokenizer.model", content=b"garbage"),
        "tokenizer.model only": lambda f: (gone("tokenizer.json")(f), write(f, "tokenizer.model", b"garbage")),
        "tokenizer_config missing": gone("tokenizer_config.json"),
        "tokenizer_config truncated": lambda folder: _truncate(folder, "tokenizer_config.json"),
        "tokenizer_config empty": file("tokenizer_config.json", b""),
        "tokenizer_config {}": file("tokenizer_config.json", b"{}"),
        "tokenizer_config a list": file("tokenizer_config.json", b"[1]"),
        "tokenizer_config with mark": lambda folder: _with_mark(folder, "tokenizer_config.json"),
        "both tokenizer files missing": gone("tokenizer.json", "tokenizer_config.json"),
        "tokenizer class unknown": tokenizer(tokenizer_class="NoSuchTokenizer"),
        "tokenizer class Llama": tokenizer(tokenizer_class="LlamaTokenizer"),
        "tokenizer class LlamaFast": tokenizer(tokenizer_class="LlamaTokenizerFast"),
        "tokenizer class Qwen2": tokenizer(tokenizer_class="Qwen2Tokenizer"),
        "tokenizer auto_map": tokenizer(auto_map={"AutoTokenizer": ["evil.T", None]}),
        "tokenizer auto_map and class": tokenizer(
            tokenizer_class="EvilTokenizer", auto_map={"AutoTokenizer": ["evil.T", None]}
        ),
        "no chat template": lambda folder: _drop_key(folder, "tokenizer_config.json", "chat_template"),
        "chat template broken": tokenizer(chat_template="{% for x in %}"),
        "chat template a list": tokenizer(chat_template=[{"name": "default", "template": "{{ messages[0].content }}"}]),
        "chat template a number": tokenizer(chat_template=7),
        "chat template raises": tokenizer(chat_template="{{ raise_exception('no') }}"),
        "chat template as jinja": lambda f: (
            _drop_key(f, "tokenizer_config.json", "chat_template"),
            write(f, "chat_template.jinja", b"{% for m in messages %}{{ m.content }}{% endfor %}"),
        ),
        "chat_template.jinja broken": partial(write, name="chat_template.jinja", content=b"{% for x in %}"),
        "special_tokens_map broken": partial(write, name="special_tokens_map.json", content=b"{"),
        "added_tokens broken": partial(write, name="added_tokens.json", content=b"{"),
        "no eos token": lambda folder: _drop_key(folder, "tokenizer_config.json", "eos_token"),
    }
    processors: dict[str, Change] = {
        "preprocessor missing": gone("preprocessor_config.json"),
        "preprocessor truncated": lambda folder: _truncate(folder, "preprocessor_config.json"),
        "preprocessor empty": file("preprocessor_config.json", b""),
        "preprocessor {}": file("preprocessor_config.json", b"{}"),
        "preprocessor a list": file("preprocessor_config.json", b"[1]"),
        "processor missing": gone("processor_config.json"),
        "processor truncated": lambda folder: _truncate(folder, "processor_config.json"),
        "processor empty": file("processor_config.json", b""),
        "processor {}": file("processor_config.json", b"{}"),
        "processor a list": file("processor_config.json", b"[1]"),
        "both processors missing": gone("preprocessor_config.json", "processor_config.json"),
        "processor only": lambda f: _fold(f),
        "image processor unknown": lambda f: _if_there(f, "preprocessor_config.json", image_processor_type="NoSuch"),
        "feature extractor unknown": lambda f: _if_there(
            f, "preprocessor_config.json", feature_extractor_type="NoSuch"
        ),
        "processor class unknown": lambda f: [
            _if_there(f, name, processor_class="NoSuch")
            for name in ("preprocessor_config.json", "tokenizer_config.json")
        ],
        "processor class removed": lambda f: [
            _drop_key(f, name, "processor_class") for name in ("preprocessor_config.json", "tokenizer_config.json")
        ],
        "image_processor_type removed": lambda f: _drop_key(f, "preprocessor_config.json", "image_processor_type"),
        "preprocessor auto_map": lambda f: _if_there(
            f, "preprocessor_config.json", auto_map={"AutoProcessor": "evil.P", "AutoImageProcessor": "evil.P"}
        ),
        "video preprocessor beside": partial(
            write, name="video_preprocessor_config.json", content=b'{"video_processor_type": "Qwen2VLVideoProcessor"}'
        ),
        "video preprocessor broken beside": partial(write, name="video_preprocessor_config.json", content=b"{"),
        "a whisper preprocessor beside": lambda f: (
            None
            if (f / "preprocessor_config.json").exists()
            else write_json(f / "preprocessor_config.json", {"feature_extractor_type": "WhisperFeatureExtractor"})
        ),
        "modules.json beside": partial(write, name="modules.json", content=b"[]"),
    }
    return {"config": config, "quantization": quantized, "tokenizer": tokenizers, "processor": processors}


def _legacy(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    if "quantization" not in config:
        raise DoesNotApply
    config["quantization_config"] = config.pop("quantization")
    write_json(folder / "config.json", config)


def _fold(folder: Path) -> None:
    """The image processor inside processor_config.json, as newer transformers writes it."""
    file = folder / "preprocessor_config.json"
    if not file.exists():
        raise DoesNotApply
    inner = json.loads(file.read_text())
    key = "feature_extractor" if "feature_extractor_type" in inner else "image_processor"
    _merge(folder, "processor_config.json", {"processor_class": inner.get("processor_class"), key: inner})
    file.unlink()


def _if_there(folder: Path, name: str, **more: Any) -> None:
    if not (folder / name).exists():
        raise DoesNotApply
    _merge(folder, name, more)


def _drop_language(folder: Path, key: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    path = ("text_config", key) if isinstance(config.get("text_config"), dict) else (key,)
    _drop_key(folder, "config.json", *path)


def _tie(folder: Path, value: bool) -> None:
    config = json.loads((folder / "config.json").read_text())
    part = config["text_config"] if isinstance(config.get("text_config"), dict) else config
    part["tie_word_embeddings"] = config["tie_word_embeddings"] = value
    write_json(folder / "config.json", config)


def _shorten(file: Path, by: int) -> None:
    if not file.exists():
        raise DoesNotApply
    file.write_bytes(file.read_bytes()[:-by])


def _lengthen(file: Path) -> None:
    if not file.exists():
        raise DoesNotApply
    file.write_bytes(file.read_bytes() + b"}}}")


def key_removals(folder: Path) -> dict[str, Change]:
    """One change for each key of config.json, and of the parts in it: that key taken away."""
    config = json.loads((folder / "config.json").read_text())
    paths = [(key,) for key in config if key != "model_type"]
    paths += [
        (part, key)
        for part in ("text_config", "vision_config", "audio_config")
        if isinstance(config.get(part), dict)
        for key in config[part]
    ]
    return {f"without {'.'.join(path)}": partial(_drop_path, path=path) for path in paths}


def _drop_path(folder: Path, path: tuple[str, ...]) -> None:
    _drop_key(folder, "config.json", *path)


def damages() -> list[Damage]:
    """Every named change, the one that changes nothing first."""
    groups = _damages()
    found = [Damage("sound", lambda folder: None, "sound")]
    return found + [Damage(name, change, group) for group, named in groups.items() for name, change in named.items()]
