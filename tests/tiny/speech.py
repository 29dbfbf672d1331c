"""Speech-to-text models for mlx-audio: they hear nothing and say what they were made to say."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from . import chain
from .files import write_json, write_safetensors, write_tokenizer
from .text import ANSWER

_WHISPER = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
    "<|0.00|>",
)
_MOONSHINE = ("<s>", "</s>")


def speech(folder: Path, model_type: str = "whisper", answer: str = ANSWER) -> Path:
    """Writes a model of type whisper or moonshine that hears `answer` in any recording; gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (_whisper if model_type == "whisper" else _moonshine)(folder, answer)
    return folder


def _whisper(folder: Path, answer: str) -> None:
    """English only. What is said depends on the position alone: its row outweighs everything else."""
    words = chain.pieces(answer)
    ids = write_tokenizer(folder, words, _WHISPER, _tokenizer("WhisperTokenizer", "<|endoftext|>"))
    write_json(
        folder / "preprocessor_config.json",
        {
            "feature_extractor_type": "WhisperFeatureExtractor",
            "processor_class": "WhisperProcessor",
            "feature_size": 80,
            "sampling_rate": 16000,
            "hop_length": 160,
            "chunk_length": 30,
            "n_fft": 400,
            "n_samples": 480000,
            "nb_max_frames": 3000,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": False,
        },
    )
    width, positions = 32, 64
    config = {
        "model_type": "whisper",
        "n_mels": 80,
        "n_audio_ctx": 1500,
        "n_audio_state": width,
        "n_audio_head": 2,
        "n_audio_layer": 1,
        "n_vocab": max(ids.values()) + 1,
        "n_text_ctx": positions,
        "n_text_state": width,
        "n_text_head": 2,
        "n_text_layer": 1,
    }
    write_json(folder / "config.json", config)
    weights = _random("whisper", config)
    random = np.random.default_rng(1)
    rows = random.standard_normal((config["n_vocab"], width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    # Two tokens come before the answer: startoftranscript and notimestamps.
    said = [ids[word] for word in words]
    said = [said[0], *said, *[ids["<|endoftext|>"]] * positions][:positions]
    weights["decoder.token_embedding.weight"] = rows
    weights["decoder.positional_embedding"] = 20 * rows[said]
    write_safetensors(folder / "model.safetensors", weights)


def _moonshine(folder: Path, answer: str) -> None:
    words = chain.pieces(answer)
    ids = write_tokenizer(folder, words, _MOONSHINE, _tokenizer("PreTrainedTokenizerFast", "</s>"))
    said, end = [ids[word] for word in words], ids["</s>"]
    vocabulary, width = max(ids.values()) + 1, 2 * chain.directions(said)
    config = {
        "model_type": "moonshine",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": 32,
        "encoder_num_hidden_layers": 1,
        "decoder_num_hidden_layers": 1,
        "encoder_num_attention_heads": 2,
        "decoder_num_attention_heads": 2,
        "bos_token_id": ids["<s>"],
        "decoder_start_token_id": ids["<s>"],
        "eos_token_id": end,
        "tie_word_embeddings": False,
    }
    write_json(folder / "config.json", config)
    weights = _random("moonshine", config)
    rows, output = chain.embeddings(said, end, vocabulary, width)
    weights["decoder.embed_tokens.weight"] = rows
    weights["proj_out.weight"] = output
    # mlx-audio takes the convolutions in PyTorch's layout.
    for name in [name for name in weights if "conv" in name and weights[name].ndim == 3]:
        weights[name] = weights[name].transpose(0, 2, 1)
    write_safetensors(folder / "model.safetensors", weights)


def _tokenizer(kind: str, end: str) -> dict[str, Any]:
    return {
        "tokenizer_class": kind,
        "bos_token": end,
        "eos_token": end,
        "pad_token": end,
        "unk_token": end,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 64,
    }


def _random(model_type: str, config: dict[str, Any]) -> dict[str, np.ndarray]:
    """Every tensor of the class, random, with the decoder's layers adding nothing."""
    from mlx.utils import tree_flatten

    classes = import_module(f"mlx_audio.stt.models.{model_type}")
    model = classes.Model(classes.ModelConfig.from_dict(config))
    random = np.random.default_rng(0)
    silent = (".attn.out.weight", ".mlp2.weight", ".cross_attn.out.weight", "o_proj.weight", "fc2.weight")
    weights: dict[str, np.ndarray] = {}
    for name, tensor in tree_flatten(model.parameters()):
        if ("decoder" in name and name.endswith(silent)) or name.endswith("bias"):
            weights[name] = np.zeros(tensor.shape)
        elif name.endswith("weight") and tensor.ndim == 1:
            weights[name] = np.ones(tensor.shape)
        else:
            weights[name] = random.standard_normal(tensor.shape) * 0.02
    return weights
