"""Who is asked, and when what was answered before is believed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import Probed, dry_run, machine, request_of
from mlxk_rules.loaders.dry_run import outcome, question
from mlxk_rules.loaders.facts.folder import listing
from mlxk_rules.loaders.probe import probe


def asked(folder: Path, **request: Any) -> dict[str, str | None]:
    """Each backend with the reason why it is not asked, None where it is."""
    facts = probe(folder, dry_run=False, **request)
    found = dry_run.questions(str(folder), listing(str(folder)), facts, "of")
    return {
        **{one.backend: None for one in found.questions},
        **{name: told["reason"] for name, told in found.facts.items()},
    }


def test_text_is_asked_of_both_that_have_the_type(text_model: Path) -> None:
    assert asked(text_model) == {
        "mlx_lm": None,
        "mlx_vlm": None,
        "mlx_audio": "mlx-audio is not for such a request",
    }


def test_audio_is_not_asked_of_a_text_backend(speech_model: Path) -> None:
    told = asked(speech_model, audio=True)
    assert told["mlx_audio"] is None
    assert told["mlx_lm"] == "mlx-lm is not for such a request"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("config.json", "[", "config.json is invalid"), ("model.safetensors", "", "damaged")],
)
def test_what_is_broken_is_not_asked(text_model: Path, tmp_path: Path, name: str, content: str, words: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(text_model, folder)
    (folder / name).write_text(content)
    assert words in (asked(folder)["mlx_lm"] or "")


@pytest.fixture
def kept_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("mlxk_rules.engine.storage.cache_folder._AT_REST_NS", 0)
    return tmp_path / "cache" / "mlxk-rules" / question.FOLDER


def one_question(folder: Path, of: str = "of") -> question.Question:
    facts = probe(folder, dry_run=False)
    return dry_run.questions(str(folder), listing(str(folder)), facts, of).questions[0]


def test_an_answer_is_kept_for_the_folder_and_the_libraries(text_model: Path, tmp_path: Path, kept_place: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(text_model, folder)
    one = one_question(folder)
    said = outcome.empty("mlx_lm", "ok")
    question.keep(one, said)
    assert dry_run.kept_facts(one) == said
    assert dry_run.kept_facts(one_question(folder, "another mlx-lm")) is None
    assert dry_run.kept_facts(one._replace(audio=True)) is None
    time.sleep(0.01)
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert dry_run.kept_facts(one_question(folder)) is None


def test_what_was_not_done_is_not_kept(text_model: Path, kept_place: Path) -> None:
    one = one_question(text_model)
    question.keep(one, outcome.not_done("mlx_lm", "it took too long"))
    assert dry_run.kept_facts(one) is None


def test_the_answer_of_a_package_that_is_installed_later_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from mlxk_rules.loaders.host import this_machine

    found = machine().packages
    before, listed = this_machine.libraries(found), os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: [*listed(path), "torch-2.0.dist-info"])
    assert this_machine.libraries(found) != before


def test_quick_facts_have_every_key(text_model: Path) -> None:
    told = probe(text_model, dry_run=False)["dry_run"]
    assert {name: one["status"] for name, one in told.items()} == dict.fromkeys(told, "not_done")
    assert all(one["reason"] and one["load_bytes"] is None for one in told.values())
    assert Probed.of(text_model, request_of()).facts()["dry_run"] == told
