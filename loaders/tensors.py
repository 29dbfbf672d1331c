"""What the names and shapes of tensors tell of a model: towers, layers, embeddings, and how the weights are packed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from .safetensors import Tensor

# The names that the families of mlx-vlm and mlx-audio, and of transformers before them, give to their encoders.
_VISION = re.compile(
    r"(?:^|\.)_?(?:vision|visual|vit|vpm|image_encoder|image_newline|img_processor|sam_model|embed_vision|vision_\w+|"
    r"visual_\w+|vit_\w+|multi_modal_projector|mm_projector|vl_connector)(?:\.|$)"
)
_TOWER = re.compile(
    r"(?:^|\.)_?(?:vision|visual|vit|vpm|image_encoder|img_processor|sam_model|embed_vision|"
    r"vision_(?:tower|model|encoder|backbone|embedder|embed_tokens)|visual_model|vision_adapter)(?:\.|$)"
)
_AUDIO = re.compile(
    r"(?:^|\.)(?:audio|audio_tower|audio_model|audio_encoder|speech_encoder|sound_encoder|embed_audio|apm|conformer|"
    r"audio_embed\w*|preprocessor\.featurizer)(?:\.|$)"
)
# Speech models put their hearing half in `encoder`; a language model has no such part.
_ENCODER = re.compile(r"^(?:model\.)?encoder\.")
_LAYER = re.compile(r"(?:^|\.)(?:layers|blocks|h)\.(\d+)\.")
_EMBEDDING = re.compile(r"(?:^|\.)(embed_tokens|token_embedding|wte|word_embeddings|tok_embeddings|embed_in)\.weight$")
_OUTPUT = re.compile(r"(?:^|\.)(lm_head|proj_out|output)\.weight$")

_UP = re.compile(r"\.mlp\.up_proj\.weight$")
_QUERY = re.compile(r"\.self_attn\.q_proj\.weight$")
_KEY = re.compile(r"\.self_attn\.k_proj\.weight$")


class Contents(NamedTuple):
    """Facts of a set of tensors; a number or flag is None where there is nothing to tell it from.

    `packed`: MLX's quantization, a uint32 weight beside its scales. `bits` and `group_size` are those of the embedding
    or, where that is plain, of the layers, told by `width`, the config's hidden size. `dtype` is the most common one of
    the tensors that are not packed. `layers` is the highest index of the language part's layers, plus one.
    """

    number: int = 0
    packed: bool | None = None
    bits: int | None = None
    group_size: int | None = None
    dtype: str | None = None
    vision_tower: bool | None = None
    audio_encoder: bool | None = None
    language: bool | None = None
    output: bool | None = None
    embedding_rows: int | None = None
    hidden: int | None = None
    layers: int | None = None
    output_rows: int | None = None
    intermediate: int | None = None
    query_rows: int | None = None
    key_rows: int | None = None
    made_by: str | None = None


def contents(tensors: Mapping[str, Tensor], width: int | None = None, made_by: str | None = None) -> Contents:
    """Tells what there is; `width` is the config's hidden size, which packed shapes are measured with."""
    if not tensors:
        return Contents()
    packed = {name for name, tensor in tensors.items() if _is_packed(name, tensor, tensors)}
    language = [name for name in tensors if not _foreign(name)]
    embedding = next((name for name in language if _EMBEDDING.search(name)), None)
    bits = group = hidden = rows = None
    if embedding:
        rows = tensors[embedding].shape[0] if tensors[embedding].shape else None
        if embedding not in packed and len(tensors[embedding].shape) == 2:
            hidden = tensors[embedding].shape[1]
    measured = embedding if embedding in packed else None
    if measured is None:  # a packed layer whose input is as wide as the model
        measured = next((name for name in language if name in packed and name.endswith("q_proj.weight")), None)
    if measured and (known := hidden or width):
        bits, group = packing(tensors[measured], tensors[measured.removesuffix("weight") + "scales"], known)
        if bits and embedding in packed:
            hidden = known
    layers = [int(match.group(1)) for name in language if (match := _LAYER.search(name))]
    dtypes = Counter(tensor.dtype for name, tensor in tensors.items() if name not in packed)
    return Contents(
        len(tensors),
        bool(packed),
        bits,
        group,
        dtypes.most_common(1)[0][0] if dtypes else None,
        any(_TOWER.search(name) for name in tensors),
        any(_AUDIO.search(name) or _ENCODER.match(name) for name in tensors),
        bool(embedding or layers),
        any(_OUTPUT.search(name) for name in language),
        rows,
        hidden,
        max(layers) + 1 if layers else None,
        _rows(tensors, language, _OUTPUT),
        _rows(tensors, language, _UP),
        _rows(tensors, language, _QUERY),
        _rows(tensors, language, _KEY),
        made_by,
    )


def packing(weight: Tensor, scales: Tensor, width: int) -> tuple[int | None, int | None]:
    """Bits and group size of a packed weight whose rows are `width` numbers long; None where they come out uneven."""
    if not weight.shape or not scales.shape or not scales.shape[-1] or width <= 0:
        return None, None
    bits, rest = divmod(weight.shape[-1] * 32, width)
    group, left = divmod(width, scales.shape[-1])
    return (None if rest or not bits else bits), (None if left or not group else group)


def language_config(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The part of a config that speaks of the language model: nested in most multimodal ones."""
    whole = config or {}
    others = () if "hidden_size" in whole else ("llm_config", "language_config", "thinker_config")
    for key in ("text_config", *others):
        part = whole.get(key)
        if isinstance(part, dict) and part:
            inner = cast("dict[str, Any]", part)
            return language_config(inner) if "text_config" in inner else inner
    return config or {}


def integer(config: Mapping[str, Any], *keys: str) -> int | None:
    """The first of these keys that is a whole number."""
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _rows(tensors: Mapping[str, Tensor], names: list[str], pattern: re.Pattern[str]) -> int | None:
    """The rows of the tensors so called, which packing leaves as they are; None where they differ or there are none."""
    found = {tensors[name].shape[0] for name in names if tensors[name].shape and pattern.search(name)}
    return found.pop() if len(found) == 1 else None


def _is_packed(name: str, tensor: Tensor, tensors: Mapping[str, Tensor]) -> bool:
    return tensor.dtype == "U32" and name.endswith(".weight") and f"{name.removesuffix('weight')}scales" in tensors


def _foreign(name: str) -> bool:
    """Whether a tensor belongs to an encoder and not to the part that writes text."""
    return bool(_VISION.search(name) or _AUDIO.search(name) or _ENCODER.match(name))
