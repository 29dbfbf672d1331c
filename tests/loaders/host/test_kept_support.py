"""What was read from a backend's source is believed only while that source is what it was."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from mlxk_rules import loaders
from mlxk_rules.engine.storage import cache_folder as files
from mlxk_rules.loaders.host import kept_support, python_source, this_machine
from mlxk_rules.loaders.host.installed import Installed

LISTS = {"a": ["x", "y"], "b": []}
MODULE = "models/llama/llama.py"


class _Forgets(dict[str, object]):
    def get(self, *_: object) -> None:
        return None


class Place:
    """A package, and how often what is kept of it had to be read anew."""

    def __init__(self, package: Path) -> None:
        self.package, self.read = package, 0

    def ask(self, version: str = "1.0", libraries: str = "", names: tuple[str, ...] = ("a", "b")) -> int:
        """How often it was read by now, after it was asked once more."""

        def read() -> tuple[kept_support.Lists, set[str]]:
            self.read += 1
            with python_source.watched() as seen:
                for name in python_source.subpackages(self.package / "models"):
                    python_source.read(self.package / f"models/{name}/{name}.py")
            return dict(LISTS), seen

        lists, _ = kept_support.support(Installed(str(self.package), version), names, libraries, read)
        assert lists == LISTS
        return self.read


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "_AT_REST_NS", 0)
    monkeypatch.setattr(kept_support, "_known", _Forgets())  # each ask is one of a process of its own
    package = tmp_path / "mlx_lm"
    (package / MODULE).parent.mkdir(parents=True)
    (package / MODULE).write_text("class Model: pass\n")
    (package / "utils.py").write_text("")
    found = Place(package)
    assert found.ask() == 1
    return found


def kept(place: Place) -> Path:
    return place.package.parent / "cache/mlxk-rules/mlx_lm-support.lists"


def test_what_changed_while_it_was_read_is_not_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_AT_REST_NS", 2_000_000_000)
    (place.package / MODULE).write_text("class Model: pass")
    assert [place.ask(), place.ask()] == [2, 3]


def test_what_was_read_is_kept(place: Place) -> None:
    assert place.ask() == 1
    assert stat.S_IMODE(kept(place).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(place).parent.stat().st_mode) == 0o700
    assert [file.name for file in kept(place).parent.iterdir()] == ["mlx_lm-support.lists"]


def _edited(file: Path) -> None:
    # As long as before, and with its times set back: what changed it last tells all the same.
    before = file.stat()
    file.write_text(file.read_text("utf-8").replace("Model", "Other"), "utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _copied(package: Path) -> None:
    # Another copy at the same place, times and all.
    shutil.copytree(package, package.with_name("copy"))
    package.rename(package.with_name("gone"))
    package.with_name("copy").rename(package)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a module edited in place": lambda package: _edited(package / MODULE),
    "another copy": _copied,
    "a new type": lambda package: (package / "models/another").mkdir(),
    "a module gone": lambda package: (package / MODULE).unlink(),
    "a module at the root edited": lambda package: (package / "utils.py").write_text("REMAPPING = {}"),
    "a link to another's folder": lambda package: (
        package.rename(package.with_name("gone")),
        package.symlink_to(shutil.copytree(package.with_name("gone"), package.with_name("other"))),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_source(change: str, place: Place) -> None:
    CHANGES[change](place.package)
    assert place.ask() == 2
    assert place.ask() == 2


def test_another_version_or_library_beside_it(place: Place) -> None:
    assert place.ask(version="1.1") == 2
    assert place.ask(version="1.1", libraries="more") == 3


@pytest.mark.parametrize(
    "change",
    [{"of": 1}, {"lists": []}, {"lists": {"a": []}}, {"lists": {"a": [1], "b": []}}, {"marks": b""}, {"paths": []}],
)
def test_what_it_is_not(place: Place, change: dict[str, object]) -> None:
    name = kept(place).name
    files.write(name, (files.read(name, dict) or {}) | change)
    assert place.ask() == 2


def test_a_file_that_others_may_write_or_a_link_is_not_believed(place: Place) -> None:
    kept(place).chmod(0o622)
    assert place.ask() == 2
    kept(place).rename(place.package.parent / "real")
    kept(place).symlink_to(place.package.parent / "real")
    assert place.ask() == 3


def test_off_and_nowhere_to_write(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file")
    assert place.ask() == 2
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert place.ask() == 3
    assert not (tmp_path / "other").exists()


def test_an_edit_of_any_module_that_finds_it_out_counts() -> None:
    ours = list(Path(loaders.__file__).parent.rglob("*.py"))
    newest = max(file.stat().st_mtime_ns for file in ours)
    assert kept_support.reader() == (newest, len(ours))


def test_every_backend_that_is_installed_has_a_sign_of_its_own() -> None:
    found = [package for package in this_machine.packages().values() if package is not None]
    assert len({package.sign for package in found}) == len(found)


def test_a_process_reads_a_source_once_even_where_nothing_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_support, "_known", {})
    monkeypatch.setenv("MLXK_RULES_NO_CACHE", "1")
    assert [place.ask(), place.ask()] == [2, 2]
    _edited(place.package / MODULE)
    assert [place.ask(), place.ask()] == [3, 3]
