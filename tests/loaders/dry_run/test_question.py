"""Who is asked, and who is not, with the reason."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import Probed, dry_run, machine, request_of
from mlxk_rules.loaders.facts.folder import listing
from mlxk_rules.loaders.probe import probe


def asked(folder: Path, **request: Any) -> dict[str, str | None]:
    """Each backend with the reason why it is not asked, None where it is."""
    facts = probe(folder, dry_run=False, **request)
    questions, others = dry_run.questions(str(folder), listing(str(folder)), facts, "of")
    return {
        **{one.backend: None for one in questions},
        **{name: told["reason"] for name, told in others.items()},
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
