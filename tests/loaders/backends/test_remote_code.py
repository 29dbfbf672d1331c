"""Nothing that a model folder holds is ever executed.

Without the loader's guard most of these folders leave their mark (tried with mlx-lm 0.32.2, mlx-vlm 0.7.10, mlx-audio
0.6.2, transformers 5.23): all of mlx-vlm's with a `model_file`, or an `auto_map` in config or tokenizer_config,
and, after a yes on stdin, those of mlx-lm and moonshine whose tokenizer only the folder has. Whisper's never do.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders.backends.remote_code import no_remote_code
from mlxk_rules.loaders.backends.running import stream
from mlxk_rules.loaders.problems import LoaderError

from ...tiny.speech import speech
from ...tiny.text import ANSWER, text
from ...tiny.vision import vision
from .helpers import allow, answer, facts_of, failure, merge

pytestmark = pytest.mark.slow

DOCUMENTS = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")
AUTO_MAP = {
    "AutoConfig": "evil.Config",
    "AutoModel": "evil.Model",
    "AutoModelForCausalLM": "evil.Model",
    "AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"],
    "AutoProcessor": "evil.Processor",
    "AutoImageProcessor": "evil.Processor",
    "AutoFeatureExtractor": "evil.Processor",
}
FOLDERS: dict[str, tuple[Callable[..., Path], str, str]] = {
    "mlx_lm": (text, "llama", "mlx_lm"),
    "mlx_vlm": (vision, "qwen2_vl", "mlx_vlm"),
    "mlx_vlm-idefics3": (vision, "idefics3", "mlx_vlm"),
    "mlx_vlm-pixtral": (vision, "pixtral", "mlx_vlm"),
    "mlx_vlm-text": (text, "llama", "mlx_vlm"),
    "mlx_audio": (speech, "whisper", "mlx_audio"),
    "mlx_audio-moonshine": (speech, "moonshine", "mlx_audio"),
}


@pytest.fixture(params=FOLDERS)
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str, Path]:
    """A sound folder with Python files that leave a mark when they are run; the backend; the mark."""
    make, model_type, backend = FOLDERS[request.param]
    folder, mark = make(tmp_path / "m", model_type=model_type), tmp_path / "mark"
    code = (
        f"open({str(mark)!r}, 'w').close()\n"
        "from transformers import PreTrainedTokenizerFast, PretrainedConfig\n"
        "class Model: pass\nclass ModelArgs: pass\nclass ModelConfig: pass\nclass Processor: pass\n"
        "class Tokenizer(PreTrainedTokenizerFast): pass\nclass Config(PretrainedConfig): pass\n"
    )
    for name in ("evil.py", "__init__.py", "conftest.py", "sitecustomize.py", f"modeling_{model_type}.py"):
        (folder / name).write_text(code)
    return folder, backend, mark


def run(folder: Path, backend: str, recording: Path) -> str:
    """The answer, or the code of the error; a question on stdin would be answered with yes."""
    try:
        return answer(folder, backend, audio=[recording] if backend == "mlx_audio" else [], max_tokens=12)
    except LoaderError as error:
        return error.code


def test_harmless(hostile: tuple[Path, str, Path], recording: Path) -> None:
    folder, backend, mark = hostile
    assert run(folder, backend, recording) == ANSWER
    assert not mark.exists()


def test_model_file(hostile: tuple[Path, str, Path], recording: Path) -> None:
    folder, backend, mark = hostile
    merge(folder, "config.json", {"model_file": "evil.py"})
    error = failure(folder, backend, audio=[recording] if backend == "mlx_audio" else [])
    assert (error.code, error.message) == ("remote_code", "config.json asks to run `evil.py` from the model folder")
    assert not mark.exists()


def test_model_file_at_the_end_of_a_large_config(tmp_path: Path) -> None:
    folder = vision(tmp_path / "m")
    merge(folder, "config.json", {"padding": "x" * 9_000_000, "model_file": "evil.py"})
    assert failure(folder, "mlx_vlm").code == "remote_code"


def test_model_file_that_comes_after_the_call(tmp_path: Path) -> None:
    folder, mark = vision(tmp_path / "m"), tmp_path / "mark"
    pieces = stream(facts_of(folder), allow("mlx_vlm"), "Hi")
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()")
    merge(folder, "config.json", {"model_file": "evil.py"})
    with pytest.raises(LoaderError, match="asks to run"):
        next(pieces)
    assert not mark.exists()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_an_auto_map_beside_a_class_that_transformers_brings(
    hostile: tuple[Path, str, Path], recording: Path, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most folders that have an auto_map do not need it: they run, with the class that is not in the folder."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 20))
    folder, backend, mark = hostile
    merge(folder, document, {"auto_map": AUTO_MAP})
    result = run(folder, backend, recording)
    # mlx-vlm wants a processor of a text model too, and that can only come from the folder then.
    needed = backend == "mlx_vlm" and "vision_config" not in (folder / "config.json").read_text()
    assert result == ANSWER or (needed and result == "remote_code")
    assert not mark.exists()


def test_an_auto_map_that_is_needed(
    hostile: tuple[Path, str, Path], recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 20))
    folder, backend, mark = hostile
    for document in DOCUMENTS:
        merge(folder, document, {"auto_map": AUTO_MAP})
    merge(folder, "tokenizer_config.json", {"tokenizer_class": "Tokenizer", "processor_class": "Processor"})
    # Where mlx-vlm finds a tokenizer by config's model type it takes that one; whisper names its classes in code.
    assert run(folder, backend, recording) in {"remote_code", ANSWER}
    assert not mark.exists()


def test_code_of_another_repository(text_model: Path, tmp_path: Path) -> None:
    folder = text(tmp_path / "m")
    merge(
        folder,
        "tokenizer_config.json",
        {"tokenizer_class": "Tokenizer", "auto_map": {"AutoTokenizer": ["a/b--x.T", None]}},
    )
    assert failure(folder, "mlx_lm").code == "remote_code"


# qwen3_asr, granite_speech, glmasr, higgs_audio_3 and others of mlx-audio call exactly this when they load.
def test_the_guard_holds_against_trust_remote_code_true(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder, mark = text(tmp_path / "m"), tmp_path / "mark"
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Tokenizer: pass\n")
    auto_map: dict[str, Any] = {"AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"]}
    merge(folder, "tokenizer_config.json", {"tokenizer_class": "Tokenizer", "auto_map": auto_map})
    merge(folder, "config.json", {"model_type": "unheard_of"})
    with no_remote_code() as refused, pytest.raises(Exception, match="code"):
        AutoTokenizer.from_pretrained(str(folder), trust_remote_code=True)
    assert refused
    assert not mark.exists()
    assert not list(tmp_path.rglob("transformers_modules"))


def test_outside_the_guard_transformers_is_as_it_was(tmp_path: Path) -> None:
    from transformers import dynamic_module_utils

    with no_remote_code():
        pass
    assert dynamic_module_utils.resolve_trust_remote_code(True, "x", False, True) is True
