"""Every place where models lie: the cache, LM Studio's folder, those that a variable names; a drive that is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlxk_rules.loaders import LoaderError, local_models, models_in, resolve
from mlxk_rules.loaders.resolving.places import VARIABLE

from .test_model_names import A, repo


def model(folder: Path, sign: str = "config.json") -> None:
    folder.mkdir(parents=True)
    (folder / sign).write_text("{}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    repo(tmp_path / "hf/hub", "org/cached", A, main=A)
    repo(tmp_path / "hf/hub", "lm/both", A, main=A)
    (tmp_path / "hf/hub/models--org--moved").symlink_to("/nowhere/at/all")
    model(tmp_path / ".lmstudio/models/lm/Studio-4bit")
    model(tmp_path / ".lmstudio/models/lm/both")
    model(tmp_path / ".lmstudio/models/alone", "model.gguf")
    model(tmp_path / ".lmstudio/models/lm/below/too-deep")
    (tmp_path / ".lmstudio/models/notes.txt").write_text("")
    model(tmp_path / "more/mine/own")
    (tmp_path / "more/mine/gone").symlink_to("/nowhere/at/all")
    monkeypatch.setenv(VARIABLE, f"{tmp_path / 'more'}:/Volumes/no such drive:")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_place(home: Path) -> None:
    assert [(one.name, one.cached) for one in local_models()] == [
        ("/Volumes/no such drive", False),
        ("alone", False),
        ("lm/Studio-4bit", False),
        ("lm/both", False),
        ("lm/both", True),
        ("mine/gone", False),
        ("mine/own", False),
        ("org/cached", True),
        ("org/moved", True),
    ]


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("more", ["mine/gone", "mine/own"]),
        ("more/mine", ["gone", "own"]),
        ("more/mine/own", ["own"]),
        ("hf", ["lm/both", "org/cached", "org/moved"]),
        ("hf/hub", ["lm/both", "org/cached", "org/moved"]),
        ("nothing", []),
    ],
)
def test_one_folder(home: Path, folder: str, names: list[str]) -> None:
    assert [one.name for one in models_in(folder)] == names


def test_what_is_away_says_so(home: Path) -> None:
    for one in local_models():
        if one.name in ("/Volumes/no such drive", "mine/gone", "org/moved"):
            with pytest.raises(LoaderError, match="its drive may be away"):
                one.resolved()
        else:
            assert Path(one.resolved().folder).is_dir()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("studio", ".lmstudio/models/lm/Studio-4bit"),
        ("MINE/own", "more/mine/own"),
        ("lm/both", f"hf/hub/models--lm--both/snapshots/{A}"),
        ("Cached", f"hf/hub/models--org--cached/snapshots/{A}"),
    ],
)
def test_a_name_is_found_in_all_of_them(home: Path, name: str, found: str) -> None:
    assert resolve(name).folder == str(home / found)


def test_a_cache_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hub").symlink_to("/nowhere/at/all")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (away,) = local_models()
    with pytest.raises(LoaderError, match="its drive may be away"):
        away.resolved()
