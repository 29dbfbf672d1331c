"""What a folder holds: hostile folders end in a list, in bounded time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mlxk_rules.loaders.facts import folder


def listed(path: str, max_depth: int = folder.MAX_DEPTH) -> tuple[list[str], int, bool, list[str]]:
    found = folder.listing(path, max_depth=max_depth)
    return found.files, found.size_bytes, found.cut_off, found.problems


def touch(path: Path, size: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def test_files_are_relative_and_sorted_and_sized(tmp_path: Path) -> None:
    for name in ("b.json", "a/z.json", "a.json", ".hidden"):
        touch(tmp_path / name, 10)
    assert listed(str(tmp_path)) == ([".hidden", "a.json", "a/z.json", "b.json"], 40, False, [])


def test_a_linked_file_counts_at_its_targets_size_and_a_linked_folder_is_not_entered(tmp_path: Path) -> None:
    touch(tmp_path / "blobs/one", 100)
    touch(tmp_path / "model/plain", 1)
    (tmp_path / "model/link").symlink_to("../blobs/one")
    (tmp_path / "model/out").symlink_to(tmp_path / "blobs")
    (tmp_path / "model/ring").symlink_to(".")
    (tmp_path / "model/up").symlink_to("/")
    assert listed(str(tmp_path / "model")) == (["link", "plain"], 101, False, [])


def test_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("nothing")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    found = folder.listing(str(tmp_path))
    assert found.files == []
    assert "`gone`: a link that leads nowhere" in found.problems
    assert len(found.problems) == 3 and any("symbolic links" in problem for problem in found.problems)


def test_what_is_no_regular_file_is_not_listed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "config.json").mkdir()
    assert listed(str(tmp_path)) == ([], 0, False, [])


def test_a_wide_folder_is_cut_off_and_says_so(tmp_path: Path) -> None:
    for number in range(300):
        touch(tmp_path / str(number))
    assert len(folder.listing(str(tmp_path), max_entries=300).files) == 300
    assert not folder.listing(str(tmp_path), max_entries=300).cut_off
    found = folder.listing(str(tmp_path), max_entries=299)
    assert (len(found.files), found.cut_off) == (299, True)


def test_the_roots_files_come_first(tmp_path: Path) -> None:
    for number in range(100):
        touch(tmp_path / f"below/{number}")
    touch(tmp_path / "config.json")
    found = folder.listing(str(tmp_path), max_entries=10)
    assert "config.json" in found.files and found.cut_off


def test_a_deep_folder_is_cut_off_and_says_so(tmp_path: Path) -> None:
    touch(tmp_path / "1/2/3/file")
    assert listed(str(tmp_path), max_depth=3) == (["1/2/3/file"], 0, False, [])
    assert listed(str(tmp_path), max_depth=2) == ([], 0, True, [])


@pytest.mark.slow
def test_of_many_files_as_many_as_the_limit_are_looked_at(tmp_path: Path) -> None:
    for number in range(3 * folder.MAX_ENTRIES):
        (tmp_path / str(number)).touch()
    found = folder.listing(str(tmp_path))
    assert (len(found.files), found.cut_off) == (folder.MAX_ENTRIES, True)


def test_names_that_are_no_utf8_are_kept_printable_as_utf8(tmp_path: Path) -> None:
    touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\xfe")))
    touch(tmp_path / "bell\a\n")
    assert folder.listing(str(tmp_path)).files == ["bad\ufffd\ufffd", "bell\a\n"]


def test_folders_that_cannot_be_read_are_told_and_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name.startswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    for number in range(7):
        touch(tmp_path / f"secret{number}/file")
    touch(tmp_path / "open/file")
    monkeypatch.setattr("os.scandir", scandir)  # root may read everything, so a mode would not do
    found = folder.listing(str(tmp_path))
    assert found.files == ["open/file"]
    assert "/`: permission denied to the user `" in found.problems[0] and found.problems[-1] == "and 2 more"


def test_a_folder_that_is_gone_is_empty_with_a_reason(tmp_path: Path) -> None:
    assert folder.listing(str(tmp_path / "gone")).problems == ["`.`: no such file or directory"]


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("model.safetensors", True),
        ("x/y/.safetensors", True),
        ("x/pytorch_model.bin", True),
        ("pytorch_model-00001.bin", False),
        ("model.SAFETENSORS", False),
        ("model.gguf", False),
    ],
)
def test_weights_below_are_told_by_name(tmp_path: Path, name: str, holds: bool) -> None:
    touch(tmp_path / "snapshots" / name)
    assert folder.holds_weights(tmp_path / "snapshots") is holds
    assert not folder.holds_weights(tmp_path / "none")
