"""Vision models for mlx-vlm, made by its own classes so that every tensor has the name and shape it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from . import chain
from .files import write_json, write_shards, write_tokenizer
from .text import ANSWER

_COMMON = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
_PATCH = 14
_SIZE = 56
TYPES = ("qwen2_vl", "qwen3_vl", "gemma3", "idefics3", "smolvlm", "paligemma", "pixtral")


@dataclass(frozen=True)
class _Kind:
    """What one model type wants beside the common parts; functions take the tokens' ids."""

    image: str  # how an image is written in the chat template
    specials: tuple[str, ...]
    processor: str
    preprocessor: dict[str, Any]
    config: Callable[[dict[str, int], dict[str, Any], dict[str, Any]], dict[str, Any]]
    processor_config: dict[str, Any] = field(default_factory=dict)
    tokenizer: dict[str, Any] = field(default_factory=dict)
    text: dict[str, Any] = field(default_factory=dict)
    vision: dict[str, Any] = field(default_factory=dict)


def _qwen2(ids: dict[str, int], text: dict[str, Any], vision: dict[str, Any]) -> dict[str, Any]:
    return {**text, "vision_config": vision, **_qwen_tokens(ids)}


def _qwen3(ids: dict[str, int], text: dict[str, Any], vision: dict[str, Any]) -> dict[str, Any]:
    return {"text_config": text, "vision_config": vision, **_qwen_tokens(ids)}


def _qwen_tokens(ids: dict[str, int]) -> dict[str, Any]:
    return {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
    }


def _with_image(token: str, **more: Any) -> Callable[..., dict[str, Any]]:
    def config(ids: dict[str, int], text: dict[str, Any], vision: dict[str, Any]) -> dict[str, Any]:
        number = {"image_token_id": ids[token], "image_token_index": ids[token]}
        return {"text_config": text, "vision_config": vision, **number, **more}

    return config


_QWEN_SPECIALS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
_SMALL = {"height": _SIZE, "width": _SIZE}
_IDEFICS_SPECIALS = ("<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>")
_IDEFICS = {
    "do_resize": True,
    "do_image_splitting": False,
    "size": {"longest_edge": _SIZE},
    "max_image_size": {"longest_edge": _SIZE},
}
_QWEN_IMAGES = {"patch_size": _PATCH, "merge_size": 2, "temporal_patch_size": 2, "min_pixels": 784, "max_pixels": 3136}

_KINDS = {
    "qwen2_vl": _Kind(
        _QWEN_IMAGE,
        _QWEN_SPECIALS,
        "Qwen2VLProcessor",
        {"image_processor_type": "Qwen2VLImageProcessor", **_QWEN_IMAGES},
        _qwen2,
        text={"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}},
        vision={"depth": 1, "embed_dim": 32, "mlp_ratio": 1, "spatial_merge_size": 2, "temporal_patch_size": 2},
    ),
    "qwen3_vl": _Kind(
        _QWEN_IMAGE,
        _QWEN_SPECIALS,
        "Qwen3VLProcessor",
        {"image_processor_type": "Qwen2VLImageProcessorFast", **_QWEN_IMAGES},
        _qwen3,
        text={"rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]}},
        vision={
            "depth": 1,
            "intermediate_size": 32,
            "num_position_embeddings": 16,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "deepstack_visual_indexes": [],
        },
    ),
    "gemma3": _Kind(
        "<start_of_image>",
        ("<start_of_image>", "<end_of_image>", "<image_soft_token>"),
        "Gemma3Processor",
        {"image_processor_type": "Gemma3ImageProcessor", "size": _SMALL, "image_seq_length": 4},
        _with_image("<image_soft_token>", mm_tokens_per_image=4),
        {"image_seq_length": 4},
        {
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
        text={"sliding_window_pattern": 1, "mm_tokens_per_image": 4},
    ),
    "idefics3": _Kind(
        "<image>",
        _IDEFICS_SPECIALS,
        "Idefics3Processor",
        {"image_processor_type": "Idefics3ImageProcessor", **_IDEFICS},
        _with_image("<image>", scale_factor=2),
        {"image_seq_len": 4},
    ),
    "smolvlm": _Kind(
        "<image>",
        _IDEFICS_SPECIALS,
        "SmolVLMProcessor",
        {"image_processor_type": "SmolVLMImageProcessor", **_IDEFICS},
        _with_image("<image>", scale_factor=2),
        {"image_seq_len": 4},
    ),
    "paligemma": _Kind(
        "<image>",
        ("<image>",),
        "PaliGemmaProcessor",
        {"image_processor_type": "SiglipImageProcessor", "size": _SMALL, "image_seq_length": 16},
        _with_image("<image>"),
        vision={"projection_dim": 32},
    ),
    "pixtral": _Kind(
        "[IMG]",
        ("[IMG]", "[IMG_BREAK]", "[IMG_END]"),
        "PixtralProcessor",
        {
            "image_processor_type": "PixtralImageProcessor",
            "patch_size": {"height": _PATCH, "width": _PATCH},
            "size": {"longest_edge": _SIZE},
        },
        _with_image("[IMG]"),
        {"image_token": "[IMG]", "image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]", "patch_size": 14},
    ),
}


def vision(folder: Path, model_type: str = "qwen2_vl", answer: str = ANSWER) -> Path:
    """Writes a model of one of TYPES; where the output rows are its own it answers `answer` to anything."""
    kind = _KINDS[model_type]
    folder.mkdir(parents=True, exist_ok=True)
    words = chain.pieces(answer)
    specials = (*_COMMON, *kind.specials)
    ids = write_tokenizer(
        folder,
        words,
        specials,
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "processor_class": kind.processor,
            "eos_token": "<|end|>",
            "bos_token": "<|system|>",
            "pad_token": "<|end|>",
            "clean_up_tokenization_spaces": False,
            "model_max_length": 512,
            "chat_template": _template(kind.image),
            **kind.tokenizer,
        },
    )
    write_json(
        folder / "preprocessor_config.json", {**_images(), **kind.preprocessor, "processor_class": kind.processor}
    )
    write_json(folder / "processor_config.json", {"processor_class": kind.processor, **kind.processor_config})
    tokens = [ids[word] for word in words]
    vocabulary, width = max(ids.values()) + 1, chain.directions(tokens)
    config = {
        "model_type": model_type,
        "vocab_size": vocabulary,
        "hidden_size": width,
        "eos_token_id": ids["<|end|>"],
        "pad_token_id": ids["<|end|>"],
        "tie_word_embeddings": False,
        **kind.config(ids, _text(kind, model_type, vocabulary, width), _vision(kind, model_type, width)),
    }
    write_json(folder / "config.json", config)
    rows, output = chain.embeddings(tokens, ids["<|end|>"], vocabulary, width)
    write_shards(folder, _weights(config, rows, output), 1)
    return folder


def _template(image: str) -> str:
    parts = (
        "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
        "{% if part.type == 'text' %}{{ part.text or part.content }}{% elif part.type == 'image' %}"
        + image
        + "{% endif %}"
        "{% endfor %}{% endif %}"
    )
    return (
        "{% for message in messages %}<|{{ message.role }}|>" + parts + "<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )


def _images() -> dict[str, Any]:
    half = [0.5, 0.5, 0.5]
    return {"do_normalize": True, "do_rescale": True, "rescale_factor": 1 / 255, "image_mean": half, "image_std": half}


def _text(kind: _Kind, model_type: str, vocabulary: int, width: int) -> dict[str, Any]:
    return {
        "model_type": {"gemma3": "gemma3_text", "paligemma": "gemma", "pixtral": "mistral"}.get(model_type, model_type),
        "hidden_size": width,
        "num_hidden_layers": 1,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": width // 2,
        "rms_norm_eps": 1e-6,
        # Gemma 3 has one for local and one for global attention, under other names; mlx-vlm does not read this one.
        **({} if model_type == "gemma3" else {"rope_theta": 10000.0}),
        "vocab_size": vocabulary,
        "max_position_embeddings": 512,
        "tie_word_embeddings": False,
        **kind.text,
    }


def _vision(kind: _Kind, model_type: str, width: int) -> dict[str, Any]:
    towers = dict.fromkeys(("gemma3", "paligemma", "smolvlm"), "siglip_vision_model")
    return {
        "model_type": towers.get(model_type, model_type),
        "hidden_size": width if model_type == "qwen2_vl" else 32,
        "out_hidden_size": width,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_heads": 2,
        "head_dim": 16,
        "intermediate_size": 32,
        "patch_size": _PATCH,
        "spatial_patch_size": _PATCH,
        "image_size": _SIZE,
        "num_channels": 3,
        "in_channels": 3,
        **kind.vision,
        **({"projection_dim": width} if model_type == "paligemma" else {}),
    }


def _weights(config: dict[str, Any], rows: np.ndarray, output: np.ndarray) -> dict[str, np.ndarray]:
    """Random everywhere, silent in the language part's layers, the chain in its embeddings."""
    import copy

    from mlx.utils import tree_flatten

    utils = import_module("mlx_vlm.utils")
    classes = import_module(f"mlx_vlm.models.{config['model_type']}")
    config = copy.deepcopy(config)
    parsed = classes.ModelConfig.from_dict(config)
    parsed = utils.update_module_configs(parsed, classes, config, ["text", "vision"])
    random = np.random.default_rng(0)
    weights: dict[str, np.ndarray] = {}
    for name, tensor in tree_flatten(classes.Model(parsed).parameters()):
        language = name.startswith("language_model.")
        if language and name.endswith(("o_proj.weight", "down_proj.weight")):
            value = np.zeros(tensor.shape)
        elif language and name.endswith("embed_tokens.weight"):
            value = rows
        elif language and name.endswith("lm_head.weight"):
            value = output
        elif "norm" in name and name.endswith("weight"):
            value = np.zeros(tensor.shape) if config["model_type"] == "gemma3" else np.ones(tensor.shape)
        else:
            value = random.standard_normal(tensor.shape) * 0.02
        weights[name] = value
    return weights
