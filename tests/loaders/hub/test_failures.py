"""Each way in which asking the hub fails: one clear line, with a code of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants
from mlxk_rules.loaders import LoaderError, look, remote
from mlxk_rules.loaders.hub import client

from .server import TOKEN, Hub

RATE = {"RateLimit": '"api";r=0;t=55'}
HTML = {"Content-Type": "text/html; charset=utf-8"}


def model(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    return folder


def failure(name: str = "hf://org/name") -> LoaderError:
    with pytest.raises(LoaderError) as caught:
        look(remote(name))
    found = caught.value
    assert found.message.isprintable() and len(found.message) < 300 and "Traceback" not in found.message
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("set_up", "code", "words"),
    [
        (lambda hub: hub.repos.clear(), "repo_not_found", "`org/name`, or it is private"),
        (lambda hub: setattr(hub.repos["org/name"], "private", True), "repo_not_found", "private, sign in: hf auth"),
        (lambda hub: hub.fails("/api/", 429, **RATE), "rate_limited", "in 55 seconds"),
        (lambda hub: hub.fails("/api/", 429, Retry_After="7"), "rate_limited", "in 7 seconds"),
        (lambda hub: hub.fails("config.json", 429, Retry_After="9999999999999999999"), "rate_limited", "seconds"),
        (lambda hub: hub.fails("/api/", 500), "hub_fault", "(HTTP 500)"),
        (lambda hub: hub.fails("config.json", 503), "hub_fault", "(HTTP 503)"),
        (lambda hub: hub.fails("/api/", 403, X_Error_Message="no\x1b[2J entry"), "hub_refused", "(HTTP 403): no"),
        (lambda hub: hub.fails("/api/", 200, b"<html>Hotel", **HTML), "no_hub_answer", "a web page"),
        (lambda hub: hub.fails("config.json", 200, b"<html>Hotel", **HTML), "no_hub_answer", "a web page"),
        (lambda hub: hub.fails("/api/", 200, b"<html>Hotel"), "no_hub_answer", "no JSON"),
        (lambda hub: hub.fails("/api/", 200, b"[" * 100_000), "no_hub_answer", "no JSON"),
        (lambda hub: hub.fails("/api/", 200, b'{"sha": "../../x", "siblings": []}'), "no_hub_answer", "no commit"),
        (lambda hub: hub.fails("/api/", 302, Location=f"{hub.url}/api/models/org/name"), "no_hub_answer", "elsewhere"),
        (lambda hub: hub.fails("/api/", 302, Location="gopher://x/"), "no_hub_answer", ""),
        (lambda hub: hub.breaks.update({"config.json": 99}), "no_network", "cannot be reached"),
        (lambda hub: setattr(hub, "keeps_ranges", False), None, ""),
        (lambda hub: hub.close(), "no_network", "cannot be reached"),
    ],
)  # fmt: skip
def test_each_failure(hub: Hub, tmp_path: Path, set_up: Callable[[Hub], object], code: str | None, words: str) -> None:
    hub.add("org/name", model(tmp_path / "model"))
    set_up(hub)
    if code is None:
        assert look(remote("hf://org/name")).readable
        return
    found = failure()
    assert (found.code, words in f"{found.message}; {found.help}") == (code, True), f"{found.message}; {found.help}"


def test_no_such_revision(hub: Hub, tmp_path: Path) -> None:
    hub.add("org/name", model(tmp_path / "model"))
    found = failure("hf://org/name@v9")
    assert (found.code, "`org/name@v9`" in found.message) == ("revision_not_found", True)


def test_a_repo_with_no_model(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    hub.add("org/name", tmp_path)
    assert failure().code == "no_model"


def test_a_token_that_nobody_knows(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    hub.add("org/name", model(tmp_path / "model"))
    assert failure().code == "not_signed_in"


def test_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert failure().code == "hub_offline"
    assert hub.asked == []


@pytest.mark.parametrize("module", ["huggingface_hub.utils", "httpx2"])  # the second: of huggingface_hub before 2.0
def test_without_the_package(module: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    found = failure()
    assert found.code == "hub_not_installed"
    assert found.help is not None and "huggingface_hub" in found.help and "mlxk-rules[" not in found.help


def test_a_proxy_that_is_not_there(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert failure().code == "no_network"
    assert hub.asked == []


def test_silence(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.2)
    hub.add("org/name", model(tmp_path / "model"))
    hub.delay = 1.0
    found = failure()
    assert (found.code, "0.2 seconds" in found.message) == ("hub_timeout", True)


def test_a_slow_drip_ends_too(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ALL_SECONDS", 0.0)
    hub.add("org/name", model(tmp_path / "model"))
    assert failure().code == "hub_timeout"


def test_more_than_is_taken(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MAX_BYTES", 1000)
    hub.add("org/name", model(tmp_path / "model"))
    (tmp_path / "model" / "tokenizer_config.json").write_text(" " * 2000)
    hub.add("org/name", tmp_path / "model")
    assert failure().code == "hub_too_much"


def test_a_private_repo_with_its_token(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("org/name", model(tmp_path / "model"), private=True)
    assert look(remote("hf://org/name")).listing.private
