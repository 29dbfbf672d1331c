"""When what a backend answered before is believed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from mlxk_rules.loaders import dry_run
from mlxk_rules.loaders.dry_run import Question, kept_answers, outcome
from mlxk_rules.loaders.facts.folder import listing
from mlxk_rules.loaders.probe import probe


@pytest.fixture
def kept_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("mlxk_rules.engine.storage.cache_folder._AT_REST_NS", 0)
    return tmp_path / "cache" / "mlxk-rules" / kept_answers.FOLDER


def one_question(folder: Path, of: str = "of") -> Question:
    facts = probe(folder, dry_run=False)
    return dry_run.questions(str(folder), listing(str(folder)), facts, of)[0][0]


def test_an_answer_is_kept_for_the_folder_and_the_libraries(text_model: Path, tmp_path: Path, kept_place: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(text_model, folder)
    one = one_question(folder)
    said = outcome.empty("mlx_lm", "ok")
    kept_answers.keep(one, said)
    assert dry_run.kept_facts(one) == said
    assert dry_run.kept_facts(one_question(folder, "another mlx-lm")) is None
    assert dry_run.kept_facts(one._replace(audio=True)) is None
    time.sleep(0.01)
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert dry_run.kept_facts(one_question(folder)) is None


def test_what_was_not_done_is_not_kept(text_model: Path, kept_place: Path) -> None:
    one = one_question(text_model)
    kept_answers.keep(one, outcome.not_done("mlx_lm", "it took too long"))
    assert dry_run.kept_facts(one) is None
