"""What is kept in a file is what was put there, or nothing."""

from __future__ import annotations

import marshal
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
    monkeypatch.delenv("MLXK_RULES_NO_CACHE")
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
