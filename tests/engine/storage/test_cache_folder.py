"""What is kept in a file is what was put there, or nothing."""

from __future__ import annotations

import marshal
import os
import shutil
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.storage import cache_folder

VALUE: dict[str, Any] = {"text": "a\ud800\x00", "numbers": [0, -1, 2**70, 0.1], "none": None, "flags": [True, False]}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_folder.write("below/one", VALUE)
    return tmp_path / "mlxk-rules/below/one"


def framed(content: bytes) -> bytes:
    return cache_folder._MAGIC + crc32(content).to_bytes(4, "big") + content


def test_what_was_written_is_read(file: Path) -> None:
    assert cache_folder.read("below/one", dict) == VALUE
    assert file.read_bytes() == framed(marshal.dumps(VALUE))
    assert cache_folder.read("below/other", dict) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: b"",
        lambda whole: whole[:-1],
        lambda whole: whole + b" ",
        lambda whole: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        lambda whole: whole.replace(b"kept 1", b"kept 0"),
        lambda whole: framed(marshal.dumps([1])),
        lambda whole: framed(b""),
        lambda whole: framed(b"("),
        lambda whole: framed(b"?" * 99),
        lambda whole: framed(b"[\x01\x00\x00\x00" * 99_999),
        lambda whole: b"{" * 99_999,
    ],
)
def test_what_is_no_such_file(file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(change(file.read_bytes()))
    assert cache_folder.read("below/one", dict) is None


def test_what_is_too_large_is_not_kept(file: Path) -> None:
    cache_folder.write("below/one", {"large": "x" * (4 << 20)})
    assert cache_folder.read("below/one", dict) == VALUE


def _links_to(place: Path, target: Path) -> None:
    shutil.rmtree(place)
    place.symlink_to(target)


def _of_another(place: Path) -> None:
    os.chown(place, 12345, 12345)


# What another user of the machine may have put on the way to a file: it proves nothing, and nothing of it is read,
# written or removed.
ON_THE_WAY: dict[str, Callable[[Path, Path], None]] = {
    "the last folder is a link": lambda base, other: _links_to(base / "mlxk-rules" / "below", other),
    "our folder is a link": lambda base, other: _links_to(base / "mlxk-rules", other),
    "anybody may write into the last folder": lambda base, _: (base / "mlxk-rules" / "below").chmod(0o777),
    "a group may write into our folder": lambda base, _: (base / "mlxk-rules").chmod(0o770),
    "anybody may write above it": lambda base, _: base.chmod(0o777),
    "our folder is another's": lambda base, _: _of_another(base / "mlxk-rules"),
    "the home is another's": lambda base, _: _of_another(base),
}


@pytest.mark.parametrize("what", ON_THE_WAY)
def test_a_way_that_others_may_change(what: str, file: Path, tmp_path: Path) -> None:
    if "another's" in what and os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    base = tmp_path
    other = tmp_path / "documents"
    (other / "below").mkdir(parents=True)
    mine = []
    for folder in (other, other / "below"):
        for number in range(9):
            mine.append(folder / f"{number:016x}.facts")
            mine[-1].write_bytes(file.read_bytes())
    ON_THE_WAY[what](base, other)
    assert cache_folder.read("below/one", dict) is None
    cache_folder.write("below/one", VALUE, keep=2)
    assert cache_folder.read("below/one", dict) is None
    assert all(one.exists() for one in mine)
    assert sorted(one.name for one in (other / "below").iterdir()) == [one.name for one in mine[9:]]


def test_a_sticky_folder_above_is_as_good(file: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert cache_folder.read("below/one", dict) == VALUE
