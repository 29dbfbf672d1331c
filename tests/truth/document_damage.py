"""What can be wrong with the JSON files of a folder: its configuration, quantization, tokenizer and processors."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..tiny.files import write_json
from .change import POINTER, Change, DoesNotApply


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


_CODE = b"raise SystemExit(3)\n"


def groups() -> dict[str, dict[str, Change]]:
    """Every change of documents by its name, in groups."""
    merge, write, quantization, plain = _merge, _write, _quantization, _plain_as_quantized

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
        "tokenizer.json a pointer": file("tokenizer.json", POINTER),
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
