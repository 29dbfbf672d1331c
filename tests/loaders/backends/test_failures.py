"""What a backend fails at ends in one line with a code, whatever the backend raised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlxk_rules.loaders.backends.failure import backend_error, one_line, weights_are_whole
from mlxk_rules.loaders.problems import LoaderError

from ...tiny.files import write_safetensors
from ...tiny.speech import speech
from ...tiny.text import text
from ...tiny.vision import vision
from .helpers import answer, failure, merge

pytestmark = pytest.mark.slow


def without_tensor(folder: Path, word: str) -> None:
    """Writes the weights again without the first tensor whose name holds the word."""
    from safetensors.numpy import load_file

    file = folder / "model.safetensors"
    weights = load_file(file)
    weights.pop(next(name for name in sorted(weights) if word in name))
    write_safetensors(file, weights)


def test_no_weights(tmp_path: Path) -> None:
    folder = text(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    error = failure(folder, "mlx_lm")
    assert error.code == "backend_failed"
    assert error.message.startswith("mlx-lm failed in load: FileNotFoundError: No safetensors found in ")
    assert isinstance(error.__cause__, FileNotFoundError)


def test_weights_that_are_garbage(tmp_path: Path) -> None:
    folder = text(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"\x1b[31mgarbage\n" * 30)
    error = failure(folder, "mlx_lm")
    assert error.code == "backend_failed"
    assert "in load: RuntimeError: " in error.message


def test_weights_that_are_cut_short(tmp_path: Path) -> None:
    folder = text(tmp_path / "m")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    error = failure(folder, "mlx_lm")
    assert error.code == "backend_failed"


@pytest.mark.parametrize(("model_type", "tensor"), [("whisper", "encoder.conv1"), ("moonshine", "decoder.norm")])
def test_a_missing_tensor_of_a_speech_model(tmp_path: Path, recording: Path, model_type: str, tensor: str) -> None:
    """mlx-audio would load it with random weights unless told to be strict."""
    folder = speech(tmp_path / "m", model_type)
    without_tensor(folder, tensor)
    error = failure(folder, "mlx_audio", audio=[recording])
    assert error.code == "backend_failed"
    assert error.message.startswith("mlx-audio failed in load: ValueError: Missing ")


def test_a_missing_vision_tower(tmp_path: Path, picture: Path) -> None:
    """mlx-vlm loads it and fails at generation."""
    folder = vision(tmp_path / "m")
    from safetensors.numpy import load_file

    file = folder / "model.safetensors"
    write_safetensors(file, {name: weight for name, weight in load_file(file).items() if "vision_tower" not in name})
    error = failure(folder, "mlx_vlm", images=[picture])
    assert error.code == "backend_failed"
    assert error.message.startswith("mlx-vlm failed in generate: ")


@pytest.mark.parametrize("backend", ["mlx_lm", "mlx_vlm"])
def test_a_missing_tokenizer(tmp_path: Path, backend: str) -> None:
    folder = (text if backend == "mlx_lm" else vision)(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    assert failure(folder, backend).code == "backend_failed"


def test_a_missing_tokenizer_of_whisper(tmp_path: Path, recording: Path) -> None:
    folder = speech(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    error = failure(folder, "mlx_audio", audio=[recording])
    assert error.code == "backend_failed"
    assert error.message.startswith("mlx-audio failed in generate: ")


def test_a_picture_that_is_none(vision_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("not a picture")
    error = failure(vision_model, "mlx_vlm", images=[file])
    assert error.code == "backend_failed"
    assert error.message.startswith("mlx-vlm failed in generate: ")


def test_a_recording_that_is_none(speech_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_text("not a recording")
    assert failure(speech_model, "mlx_audio", audio=[file]).code == "backend_failed"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model_type": "llama"', '{"model_type": 7}', "[" * 5000])
@pytest.mark.parametrize("backend", ["mlx_lm", "mlx_vlm", "mlx_audio"])
def test_a_config_that_is_none(tmp_path: Path, recording: Path, backend: str, content: str) -> None:
    folder = text(tmp_path / "m")
    (folder / "config.json").write_text(content)
    error = failure(folder, backend, audio=[recording] if backend == "mlx_audio" else [])
    assert error.code == "backend_failed"


@pytest.mark.parametrize("value", [None, "x", [], {}, -1, 0, True, 1.5], ids=str)
@pytest.mark.parametrize(
    ("make", "model_type", "backend"),
    [
        (text, "llama", "mlx_lm"),
        (text, "qwen3", "mlx_lm"),
        (vision, "qwen2_vl", "mlx_vlm"),
        (vision, "pixtral", "mlx_vlm"),
        (speech, "moonshine", "mlx_audio"),
    ],
    ids=["llama", "qwen3", "qwen2_vl", "pixtral", "moonshine"],
)
def test_a_wrong_value_in_config(
    tmp_path: Path, recording: Path, make: Callable[..., Path], model_type: str, backend: str, value: object
) -> None:
    """Whichever key has it, the run ends in text or in one line."""
    folder = make(tmp_path / "m", model_type=model_type)
    config = json.loads((folder / "config.json").read_bytes())
    for key in config:
        (folder / "config.json").write_text(json.dumps(config | {key: value}))
        try:
            answer(folder, backend, audio=[recording] if backend == "mlx_audio" else [], max_tokens=2)
        except LoaderError as error:
            assert error.code == "backend_failed", key
            assert error.message.isprintable(), key


def test_a_model_type_that_exits(tmp_path: Path) -> None:
    """mlx_lm.models.olmo calls sys.exit(1) where ai2-olmo is not installed."""
    folder = text(tmp_path / "m")
    merge(folder, "config.json", {"model_type": "olmo"})
    assert failure(folder, "mlx_lm").code == "backend_failed"


def test_a_type_of_no_model(tmp_path: Path, recording: Path) -> None:
    folder = text(tmp_path / "whisper")
    merge(folder, "config.json", {"model_type": "unheard_of"})
    for backend in ("mlx_lm", "mlx_vlm", "mlx_audio"):
        audio = [recording] if backend == "mlx_audio" else []
        assert "unheard_of" in failure(folder, backend, audio=audio).message


def test_no_type_is_not_guessed_from_the_name(tmp_path: Path, recording: Path) -> None:
    folder = speech(tmp_path / "whisper")
    config = json.loads((folder / "config.json").read_bytes())
    del config["model_type"]
    (folder / "config.json").write_text(json.dumps(config))
    error = failure(folder, "mlx_audio", audio=[recording])
    assert error.message == "mlx-audio failed in load: ValueError: config.json names no model_type"


@pytest.mark.parametrize(
    "message",
    [
        "[metal::malloc] Attempting to allocate 99 bytes",
        "[malloc_or_wait] Unable to allocate 5 bytes",
        "Insufficient Memory",
    ],
)
def test_memory_that_runs_out(tmp_path: Path, message: str) -> None:
    assert backend_error("mlx-lm", "load", RuntimeError(message), tmp_path).code == "out_of_memory"
    assert backend_error("mlx-lm", "load", MemoryError(), tmp_path).code == "out_of_memory"


def test_a_read_that_fails_on_whole_weights_is_memory(tmp_path: Path) -> None:
    folder = text(tmp_path / "m")
    error = RuntimeError("[read] Unable to read from file")
    assert weights_are_whole(folder)
    assert backend_error("mlx-lm", "load", error, folder).code == "out_of_memory"
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert not weights_are_whole(folder)
    cut = backend_error("mlx-lm", "load", error, folder)
    assert (cut.code, cut.help) == ("backend_failed", "a weight file is cut short: download it again")


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (ValueError(), "ValueError"),
        (ValueError("\n\n  \n----\nNo model\nmore"), "ValueError: No model"),
        (ValueError("\x1b[31mred\x1b[0m\x07 \u202eleft"), "ValueError: red left"),
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError("x" * 1000), "ValueError: " + "x" * 287 + "…"),
    ],
)
def test_one_line(raised: Exception, line: str) -> None:
    assert one_line(raised) == line
    assert len(one_line(raised)) <= 300


def test_no_network_is_tried(tmp_path: Path) -> None:
    """A folder that lacks its tokenizer and names a repository: nothing is looked up, even where that is allowed."""
    folder = text(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    merge(folder, "config.json", {"_name_or_path": "org/model"})
    merge(folder, "tokenizer_config.json", {"name_or_path": "org/model"})
    code = f"""
import socket, sys
def tried(*a, **k):
    print("network", a, file=sys.stderr)
    raise OSError("no network here")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = tried
from tests.loaders.backends.helpers import answer
from pathlib import Path
import huggingface_hub
try:
    print(answer(Path({str(folder)!r}), "mlx_lm"))
except Exception as error:
    print(error.code)
assert huggingface_hub.constants.HF_HUB_OFFLINE is False
"""
    env = {name: value for name, value in os.environ.items() if "OFFLINE" not in name}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert "network" not in done.stderr
    assert done.stdout.strip() == "backend_failed"
