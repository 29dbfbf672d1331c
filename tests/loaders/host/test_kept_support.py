"""The cache on disk is believed only where it can be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from mlxk_rules import loaders
from mlxk_rules.engine.storage import cache_folder as files
from mlxk_rules.loaders.host import kept_support
from mlxk_rules.loaders.host.installed import Installed

LISTS = {"a": ["x", "y"], "b": []}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MLXK_RULES_NO_CACHE", raising=False)
    (tmp_path / "mlx_lm/models").mkdir(parents=True)
    (tmp_path / "mlx_lm/models/llama.py").write_text("")
    return Installed(str(tmp_path / "mlx_lm"), "1.0")


def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache/mlxk-rules/mlx_lm-support.lists"


def test_what_was_put_is_got(tmp_path: Path, package: Installed) -> None:
    assert kept_support.get(package, ["a", "b"]) is None
    kept_support.put(package, LISTS)
    assert kept_support.get(package, ["a", "b"]) == LISTS
    assert stat.S_IMODE(kept(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(tmp_path).parent.stat().st_mode) == 0o700
    assert [file.name for file in kept(tmp_path).parent.iterdir()] == ["mlx_lm-support.lists"]


def test_another_package_version_or_source_is_another(tmp_path: Path, package: Installed) -> None:
    kept_support.put(package, LISTS)
    assert kept_support.get(package, ["a"]) is None
    assert kept_support.get(Installed(package.folder, "1.1"), ["a", "b"]) is None
    os.utime(package.path / "models/llama.py", (1, 9_999_999_999))
    assert kept_support.get(package, ["a", "b"]) is None


@pytest.mark.parametrize("change", [{"of": 1}, {"lists": []}, {"lists": {"a": []}}, {"lists": {"a": [1], "b": []}}])
def test_what_it_is_not(tmp_path: Path, package: Installed, change: dict[str, object]) -> None:
    kept_support.put(package, LISTS)
    name = kept(tmp_path).name
    files.write(name, (files.read(name, dict) or {}) | change)
    assert kept_support.get(package, ["a", "b"]) is None


def test_a_file_that_others_may_write_or_a_link_is_not_believed(tmp_path: Path, package: Installed) -> None:
    kept_support.put(package, LISTS)
    kept(tmp_path).chmod(0o622)
    assert kept_support.get(package, ["a", "b"]) is None
    kept(tmp_path).chmod(0o600)
    kept(tmp_path).rename(tmp_path / "real")
    kept(tmp_path).symlink_to(tmp_path / "real")
    assert kept_support.get(package, ["a", "b"]) is None


def test_off_and_nowhere_to_write(tmp_path: Path, package: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file")
    kept_support.put(package, LISTS)
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    kept_support.put(package, LISTS)
    assert not (tmp_path / "other").exists()


def test_an_edit_of_any_module_that_finds_it_out_counts() -> None:
    ours = list(Path(loaders.__file__).parent.rglob("*.py"))
    newest = max(file.stat().st_mtime_ns for file in ours)
    assert kept_support.reader() == (newest, len(ours))
