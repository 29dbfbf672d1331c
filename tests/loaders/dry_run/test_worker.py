"""The child of a dry run: what it says of real tiny models, and that it leaves nothing behind, whoever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders.dry_run.worker import Worker

from ...rehearsing import Rehearser, rehearser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked() -> Generator[Rehearser]:
    with rehearser() as one:
        yield one


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own."""
    root = tmp_path / "temporary"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    return root


def job(folder: Path) -> dict[str, Any]:
    return {"folder": str(folder), "image_size": None, "audio": False, "accelerator": "cpu"}


def changed(model: Path, folder: Path, name: str, change: Any) -> Path:
    shutil.copytree(model, folder)
    value = json.loads((folder / name).read_bytes())
    change(value)
    (folder / name).write_text(json.dumps(value))
    return folder


def test_a_sound_model(asked: Rehearser, text_model: Path) -> None:
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm import load

    model, _ = load(str(text_model))
    real = sum(array.nbytes for _, array in tree_flatten(model.parameters()) if isinstance(array, mx.array))
    told = asked.facts(text_model)["dry_run"]["mlx_lm"]
    assert (told["status"], told["phase"], told["reason"]) == ("ok", None, None)
    assert told["load_bytes"] == real
    assert told["cache"]["parts"]


def test_images_go_through_the_processor(asked: Rehearser, vision_model: Path) -> None:
    told = asked.facts(vision_model, images=True, image_size=(56, 56))["dry_run"]["mlx_vlm"]
    assert told["status"] == "ok", told
    assert told["image_tokens"] > 0
    larger = asked.facts(vision_model, images=True, image_size=(112, 112))["dry_run"]["mlx_vlm"]
    assert larger["image_tokens"] >= told["image_tokens"]


def test_sound_goes_through_the_processor(asked: Rehearser, speech_model: Path) -> None:
    assert asked.facts(speech_model, audio=True)["dry_run"]["mlx_audio"]["status"] == "ok"


@pytest.mark.parametrize(
    ("name", "change", "phase", "words"),
    [
        ("config.json", lambda config: config.pop("hidden_size"), "config", "hidden_size"),
        ("config.json", lambda config: config.update(vocab_size=7), "weights", "shape"),
        ("config.json", lambda config: config.update(num_hidden_layers=9), "weights", "Missing"),
        ("tokenizer_config.json", lambda said: said.update(chat_template="{% if %}"), "template", "Expected"),
        (
            "tokenizer_config.json",
            lambda said: said.update(chat_template="{{ raise_exception('no') }}"),
            "template",
            "no",
        ),
    ],
)
def test_where_a_library_gives_up(
    asked: Rehearser, text_model: Path, tmp_path: Path, name: str, change: Any, phase: str, words: str
) -> None:
    told = asked.facts(changed(text_model, tmp_path / "model", name, change))["dry_run"]["mlx_lm"]
    assert (told["status"], told["phase"]) == ("failed", phase)
    assert words in told["reason"]
    assert told["reason"].isprintable() and len(told["reason"]) <= 400
    assert str(tmp_path) not in told["reason"] and tempfile.gettempdir() not in told["reason"]


def test_code_of_the_folder_is_asked_for_and_never_run(asked: Rehearser, text_model: Path, tmp_path: Path) -> None:
    def code(config: dict[str, Any]) -> None:
        config["tokenizer_class"] = "Own"
        config["auto_map"] = {"AutoTokenizer": ["own.Own", None]}

    folder = changed(text_model, tmp_path / "model", "tokenizer_config.json", code)
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: ...\n")
    told = asked.facts(folder)["dry_run"]["mlx_lm"]
    assert not ran.exists()
    assert told["needs_code"] or told["status"] == "ok"
    folder = changed(text_model, tmp_path / "other", "config.json", lambda config: config.update(model_file="own.py"))
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\n")
    told = asked.facts(folder)["dry_run"]["mlx_lm"]
    assert not ran.exists()
    assert (told["status"], bool(told["needs_code"])) == ("failed", True)


def test_a_base_of_rotary_positions_that_is_ignored_is_told(asked: Rehearser, text_model: Path, tmp_path: Path) -> None:
    def newer(config: dict[str, Any]) -> None:
        config.pop("rope_theta", None)
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": 12345.0}

    told = asked.facts(changed(text_model, tmp_path / "model", "config.json", newer))["dry_run"]["mlx_lm"]
    assert told["ignored_config"] == ["rope_parameters.rope_theta"]
    assert asked.facts(text_model)["dry_run"]["mlx_lm"]["ignored_config"] == []


def test_the_folder_is_left_as_it_was(asked: Rehearser, text_model: Path) -> None:
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in text_model.iterdir()}
    asked.facts(text_model)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in text_model.iterdir()} == before


def test_a_child_that_dies_is_followed_by_another(text_model: Path, place: Path) -> None:
    worker = Worker("mlx_lm")
    worker.ask(job(text_model))
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGKILL)
    told = worker.answer()
    assert told["status"] == "not_done"
    assert list(place.iterdir()) == []
    worker.ask(job(text_model))
    assert worker.answer()["status"] == "ok"
    worker.end()
    assert list(place.iterdir()) == []


def test_what_takes_too_long_is_not_done(text_model: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxk_rules.loaders.dry_run.worker.SECONDS", 0.05)
    worker = Worker("mlx_lm")
    worker.ask(job(text_model))
    told = worker.answer()
    assert (told["status"], told["load_bytes"]) == ("not_done", None)
    assert "longer than" in told["reason"]
    assert list(place.iterdir()) == []


def test_a_parent_that_is_killed_leaves_nothing(text_model: Path, tmp_path: Path) -> None:
    root = tmp_path / "temporary"
    root.mkdir()
    code = (
        "import json, sys; from mlxk_rules.loaders.dry_run.worker import Worker; worker = Worker('mlx_lm');"
        "worker.ask(json.loads(sys.argv[1])); print(worker._process.pid, flush=True); import time; time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(job(text_model))],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(root)},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    deadline = time.monotonic() + 60
    while not any(root.glob("*/*")) and time.monotonic() < deadline:  # the child has begun
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    while time.monotonic() < deadline and (_alive(child) or list(root.iterdir())):
        time.sleep(0.05)
    assert not _alive(child)
    assert list(root.iterdir()) == []


def _alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_many_folders_at_once(text_model: Path, tmp_path: Path, asked: Rehearser) -> None:
    for number in range(3):
        shutil.copytree(text_model, tmp_path / str(number))
        assert asked.facts(tmp_path / str(number))["dry_run"]["mlx_lm"]["status"] == "ok"


def test_a_panic_of_the_tokenizers_library_is_a_failure(asked: Rehearser, text_model: Path, tmp_path: Path) -> None:
    # It is raised as what is no Exception; the child must outlive it, and say what it was.
    bpe = {"type": "BPE", "continuing_subword_prefix": "longer than any", "vocab": {"a": 0, "b": 1, "ab": 2}}

    def change(tokenizer: dict[str, Any]) -> None:
        tokenizer["model"] = {**bpe, "merges": ["a b"]}

    told = asked.facts(changed(text_model, tmp_path / "m", "tokenizer.json", change))["dry_run"]["mlx_lm"]
    assert (told["status"], told["phase"]) == ("failed", "tokenizer")
    assert "out of range" in told["reason"]
