"""Real loads and real generations through all three backends, with known answers."""

from __future__ import annotations

import filecmp
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlxk_rules.loaders import probe
from mlxk_rules.loaders.backends.running import stream

from ...tiny import hello
from ...tiny.speech import speech
from ...tiny.text import ANSWER, text
from ...tiny.vision import TYPES, vision
from .helpers import allow, answer, facts_of

pytestmark = pytest.mark.slow

OTHER = "One two three, then one two three again."


@pytest.mark.parametrize("model_type", ["llama", "mistral", "qwen2", "qwen3"])
@pytest.mark.parametrize("said", [ANSWER, OTHER])
def test_text(tmp_path: Path, model_type: str, said: str) -> None:
    assert answer(text(tmp_path / "m", said, model_type), "mlx_lm") == said


@pytest.mark.parametrize("options", [{"quantized": True}, {"shards": 2}, {"chat_template": False}], ids=str)
def test_text_in_other_layouts(tmp_path: Path, options: dict[str, bool | int]) -> None:
    assert answer(text(tmp_path / "m", **options), "mlx_lm") == ANSWER  # pyright: ignore[reportArgumentType]


def test_the_same_text_model_through_mlx_vlm(text_model: Path) -> None:
    assert answer(text_model, "mlx_vlm") == ANSWER


@pytest.mark.parametrize("model_type", ["qwen2_vl", "qwen3_vl", "idefics3", "smolvlm", "pixtral"])
def test_vision(tmp_path: Path, picture: Path, model_type: str) -> None:
    model = vision(tmp_path / "m", model_type, OTHER)
    assert answer(model, "mlx_vlm") == OTHER
    assert answer(model, "mlx_vlm", images=[picture]) == OTHER


@pytest.mark.parametrize("model_type", ["gemma3", "paligemma"])
def test_vision_with_tied_embeddings(tmp_path: Path, picture: Path, model_type: str) -> None:
    """Their output rows are their input rows, so that no chain can be laid: any answer, twice the same."""
    model = vision(tmp_path / "m", model_type)
    assert answer(model, "mlx_vlm", images=[picture], max_tokens=8)
    assert answer(model, "mlx_vlm", images=[picture], max_tokens=8) == answer(
        model, "mlx_vlm", images=[picture], max_tokens=8
    )


def test_every_tiny_vision_type_is_tested() -> None:
    assert {"qwen2_vl", "qwen3_vl", "idefics3", "smolvlm", "pixtral", "gemma3", "paligemma"} == set(TYPES)


def test_with_facts_that_were_probed(
    text_model: Path, vision_model: Path, speech_model: Path, picture: Path, recording: Path
) -> None:
    assert "".join(stream(probe(str(text_model)), allow("mlx_lm"), "Hi")) == ANSWER
    facts = probe(str(vision_model), images=True)
    assert "".join(stream(facts, allow("mlx_vlm"), "Hi", images=[picture])) == ANSWER
    facts = probe(str(speech_model), audio=True)
    assert "".join(stream(facts, allow("mlx_audio"), "Hi", audio=[recording])) == ANSWER


def test_from_the_hugging_face_cache(tmp_path: Path, speech_model: Path, recording: Path) -> None:
    """Files are links to blobs there, and the folder's name is a hash."""
    repository = tmp_path / "hub" / "models--org--parakeet"
    snapshot = repository / "snapshots" / "0123abc"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for number, file in enumerate(sorted(speech_model.iterdir())):
        (repository / "blobs" / str(number)).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(Path("../../blobs") / str(number))
    facts = probe(str(snapshot), name="org/parakeet", audio=True)
    assert "".join(stream(facts, allow("mlx_audio"), "Hi", audio=[recording])) == ANSWER


def test_two_pictures(vision_model: Path, picture: Path) -> None:
    assert answer(vision_model, "mlx_vlm", images=[picture, picture]) == ANSWER


@pytest.mark.parametrize("model_type", ["whisper", "moonshine"])
def test_speech(tmp_path: Path, recording: Path, model_type: str) -> None:
    assert answer(speech(tmp_path / "m", model_type, ANSWER), "mlx_audio", audio=[recording]) == ANSWER


def test_two_recordings(speech_model: Path, recording: Path) -> None:
    assert answer(speech_model, "mlx_audio", audio=[recording, recording]) == f"{ANSWER}\n{ANSWER}"


# mlx-audio by itself lets these names choose glmasr, voxtral and parakeet.
@pytest.mark.parametrize("name", ["glm-x", "voxtral", "parakeet", "hub/models--org--voxtral/snapshots/abc"])
@pytest.mark.parametrize("model_type", ["whisper", "moonshine"])
def test_the_folders_name_never_changes_what_is_loaded(
    tmp_path: Path, recording: Path, name: str, model_type: str
) -> None:
    folder = tmp_path / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    assert answer(speech(folder, model_type), "mlx_audio", audio=[recording]) == ANSWER


@pytest.mark.parametrize("backend", ["mlx_lm", "mlx_vlm"])
def test_max_tokens(text_model: Path, backend: str) -> None:
    assert answer(text_model, backend, max_tokens=3).strip() == "The sky is"


def test_max_tokens_of_speech(tmp_path: Path, speech_model: Path, recording: Path) -> None:
    assert answer(speech_model, "mlx_audio", audio=[recording], max_tokens=3) == "The sky is"
    moonshine = speech(tmp_path / "m", "moonshine")
    assert answer(moonshine, "mlx_audio", audio=[recording], max_tokens=3) == "The sky is"


def test_temperature(text_model: Path, vision_model: Path, speech_model: Path, recording: Path) -> None:
    for model, backend, audio in (
        (text_model, "mlx_lm", []),
        (vision_model, "mlx_vlm", []),
        (speech_model, "mlx_audio", [recording]),
    ):
        assert isinstance(answer(model, backend, audio=audio, temperature=1.0, max_tokens=8), str)


def test_it_streams_and_closes(text_model: Path) -> None:
    pieces = stream(facts_of(text_model), allow("mlx_lm"), "Hi")
    assert inspect.isgenerator(pieces)
    assert next(pieces) == "The"
    pieces.close()
    assert next(pieces, None) is None


def test_ctrl_c_passes_through(text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlx_lm

    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mlx_lm, "load", pressed)
    with pytest.raises(KeyboardInterrupt):
        answer(text_model, "mlx_lm")


def test_a_decision_object_does_as_well(text_model: Path) -> None:
    class Decision:
        decision = "warn"
        backend = "mlx_lm"
        gate = "tight"
        error_type = None
        message = "it is large"

    assert "".join(stream(facts_of(text_model), Decision(), "Hi")) == ANSWER


def test_the_example_model() -> None:
    assert answer(hello.FOLDER, "mlx_lm", "What are you?") == hello.ANSWER
    assert sum(file.stat().st_size for file in hello.FOLDER.iterdir()) < 300_000


def test_the_example_model_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    again = hello.hello(tmp_path / "hello")
    names = sorted(file.name for file in hello.FOLDER.iterdir())
    assert sorted(file.name for file in again.iterdir()) == names
    assert filecmp.cmpfiles(hello.FOLDER, again, names, shallow=False) == (names, [], [])


def test_importing_the_loaders_imports_no_backend() -> None:
    code = (
        "import sys, mlxk_rules.loaders, mlxk_rules.loaders.backends.running, mlxk_rules.loaders.backends.mlx_audio\n"
        "bad = {'mlx', 'mlx_lm', 'mlx_vlm', 'mlx_audio', 'transformers', 'numpy'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
