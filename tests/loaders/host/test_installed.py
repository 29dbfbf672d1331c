"""Which backend is installed, told without importing it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from mlxk_rules.loaders.host import installed
from mlxk_rules.loaders.probe import runtime

NAME = "some_backend"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def package(site: Path, **files: str) -> Path:
    (site / NAME).mkdir()
    importlib.invalidate_caches()
    (site / NAME / "__init__.py").write_text("raise SystemExit('imported')")
    for name, text in files.items():
        (site / NAME / f"{name}.py").write_text(text)
    return site / NAME


def test_what_is_absent(site: Path) -> None:
    assert installed.find(NAME) is None


def test_an_empty_folder_is_no_package(site: Path) -> None:
    (site / NAME).mkdir()
    assert installed.find(NAME) is None


def test_a_module_blocked_in_sys_modules(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(site)
    monkeypatch.setitem(sys.modules, NAME, None)
    assert installed.find(NAME) is None


def test_the_version_is_the_dist_infos(site: Path) -> None:
    folder = package(site, version='__version__ = "9"')
    (site / "some_backend-1.2.3.dist-info").mkdir()
    (site / "some_backend_extra-7.dist-info").mkdir()
    assert installed.find(NAME) == installed.Installed(str(folder), "1.2.3")
    assert NAME not in sys.modules


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"_version": '__version__ = "0.1"'}, "0.1"),
        ({"version": "# x\n__version__: str = '2.0rc1'\n"}, "2.0rc1"),
        ({"version": "__version__ = compute()"}, None),
        ({}, None),
    ],
)
def test_else_the_version_files(site: Path, files: dict[str, str], version: str | None) -> None:
    folder = package(site, **files)
    assert installed.find(NAME) == installed.Installed(str(folder), version)


def test_of_two_dist_infos_the_version_file_decides(site: Path) -> None:
    folder = package(site, version='__version__ = "1.10"')
    for old in ("1.9", "1.10"):
        (site / f"some_backend-{old}.dist-info").mkdir()
    assert installed.find(NAME) == installed.Installed(str(folder), "1.10")


def test_a_backend_that_is_absent_supports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlx_lm", "mlx_vlm", "mlx_audio"):
        monkeypatch.setitem(sys.modules, name, None)
    facts = runtime()
    assert facts["mlx_lm"] == {"installed": False, "version": None, "model_types": []}
    assert facts["mlx_vlm"].pop("installed") is False
    kinds = ("model", "image", "audio", "text", "other")
    assert facts["mlx_vlm"] == {"version": None} | {f"{kind}_types": [] for kind in kinds}
    assert facts["mlx_audio"].pop("installed") is False
    assert facts["mlx_audio"] == {"version": None} | {f"{kind}_types": [] for kind in ("model", "tts", "other")}
