"""One JSON document: a value, missing, or unreadable, each with its status and reason."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import bounded_files
from mlxk_rules.loaders.facts import documents

MAX = 1 << 20


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b'{"a": 1}' + b"}" * (depth - 1)


@pytest.mark.parametrize(
    ("content", "status", "value", "reason"),
    [
        (b'{"a": 1}', "ok", {"a": 1}, None),
        (b"{}", "empty", {}, None),
        (b"", "empty", None, "no bytes"),
        (b" \n", "invalid", None, "expecting value"),
        (b'{"a": 1', "invalid", None, "at line 1, column 8"),
        (b'{"a": 1} x', "invalid", None, "extra data"),
        (b'\xef\xbb\xbf{"a": 1}', "invalid", None, "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "invalid", None, "not UTF-8"),
        (b'{"a": "\xff"}', "invalid", None, "not UTF-8 at byte 7"),
        (b"[]", "not_an_object", None, "a list"),
        (b"[1]", "not_an_object", None, "a list"),
        (b'"x"', "not_an_object", None, "a string"),
        (b"1.5", "not_an_object", None, "a number"),
        (b"true", "not_an_object", None, "a boolean"),
        (b"null", "not_an_object", None, "null"),
        (b'{"a": NaN, "b": [Infinity, -Infinity, 1e999]}', "ok", {"a": None, "b": [None, None, None]}, None),
        (b'{"a": 1, "a": 2}', "ok", {"a": 2}, None),
        (rb'{"a\ud800": "\udfff\ud83d\ude00"}', "ok", {"a\ufffd": "\ufffd\U0001f600"}, None),
        (rb'{"a": "\u001b[31m\u0000"}', "ok", {"a": "\x1b[31m\0"}, None),
        (b'{"a": %s}' % (b"9" * 5000), "invalid", None, "too many digits"),
        (b'{"a": %s}' % (b"9" * 4000), "ok", {"a": int("9" * 4000)}, None),
        (nested(201), "invalid", None, "nested deeper than 200"),
        (nested(100_000), "invalid", None, "nested deeper than 200"),
        (b"[" * 100_000, "invalid", None, "nested deeper than 200"),
    ],
)
def test_content(content: bytes, status: str, value: Any, reason: str | None) -> None:
    document = documents.parse(content)
    assert (document.status, document.value) == (status, value)
    assert document.reason is None if reason is None else reason in (document.reason or "")
    assert not document.reason or ("\n" not in document.reason and len(document.reason) < 200)


def test_two_hundred_levels_are_read() -> None:
    assert documents.parse(nested(200)).status == "ok"


@pytest.mark.parametrize(
    ("content", "has_content"),
    [
        (b"{}", False),
        (b"[]", False),
        (b"0", False),
        (b'""', False),
        (b"null", False),
        (b"[0]", True),
        (b'{"a":0}', True),
    ],
)
def test_has_content_is_told_of_any_top_level(content: bytes, has_content: bool) -> None:
    assert documents.parse(content).has_content is has_content


def make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def make_socket(path: Path) -> None:
    os.chdir(path.parent)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


@pytest.mark.parametrize(
    ("make", "status", "reason"),
    [
        (lambda path: None, "missing", None),
        (lambda path: path.symlink_to("gone"), "missing", "leads nowhere"),
        (lambda path: path.symlink_to(path.name), "unreadable", "symbolic links"),
        (lambda path: path.mkdir(), "unreadable", "a folder"),
        (os.mkfifo, "unreadable", "not a regular file"),
        (make_socket, "unreadable", "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "unreadable", "not a regular file"),
        (make_sparse, "unreadable", "1073741824 bytes"),
        (lambda path: path.write_bytes(b"[" + b" " * MAX), "unreadable", "at most 1048576"),
        (lambda path: path.write_bytes(b"{" + b" " * (MAX - 2) + b"}"), "empty", None),
    ],
)
def test_what_is_no_file_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, status: str, reason: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "config.json")
    document = documents.read(tmp_path / "config.json", MAX)
    assert document.status == status
    assert document.reason is None if reason is None else reason in (document.reason or "")


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr("os.open", refuse)  # root may read everything, so a mode would not do
    document = documents.read(tmp_path / "config.json", MAX)
    name = pwd.getpwuid(os.geteuid()).pw_name
    assert (document.status, document.reason) == ("unreadable", f"permission denied to the user `{name}`")


def test_a_file_that_tells_no_size_is_still_bounded() -> None:
    assert bounded_files.read(Path("/proc/self/status"), 20, cut=True).startswith(b"Name:")
    with pytest.raises(OSError, match="at most 20"):
        bounded_files.read(Path("/proc/self/status"), 20)


@pytest.mark.parametrize(
    ("content", "has_template", "reason"),
    [
        (b'{"chat_template": "{{ x }}"}', True, None),
        (b'{"chat_template": " \\n"}', False, None),
        (b'{"chat_template": null}', False, None),
        (b'{"chat_template": [{"name": "default", "template": "x"}]}', False, None),
        (b'{"model": {"vocab": {"chat_template": 7}}}', False, None),
        (b'["chat_template"]', False, None),
        (b"", False, None),
        (b"\xff not parsed where the key is not in it", False, None),
        (b'{"chat_template"', False, "at line 1"),
        (b'"chat_template"' + b"[" * 100_000, False, "extra data"),
        (b'{"chat_template":' + b"[" * 100_000, False, "nested"),
    ],
)
def test_a_tokenizers_chat_template(tmp_path: Path, content: bytes, has_template: bool, reason: str | None) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    found, why = documents.has_chat_template(tmp_path / "tokenizer.json")
    assert found is has_template
    assert why is None if reason is None else reason in (why or "")


def test_a_missing_or_enormous_tokenizer(tmp_path: Path) -> None:
    assert documents.has_chat_template(tmp_path / "tokenizer.json") == (False, None)
    make_sparse(tmp_path / "tokenizer.json")
    found, why = documents.has_chat_template(tmp_path / "tokenizer.json")
    assert not found and "1073741824 bytes" in (why or "")
