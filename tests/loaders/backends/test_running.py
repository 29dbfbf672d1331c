"""What is refused before anything is loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlxk_rules.loaders.backends.running import stream
from mlxk_rules.loaders.problems import LoaderError

from .helpers import allow, answer, facts_of, failure, merge


def refused(facts: dict[str, Any], decision: object, **more: Any) -> LoaderError:
    """The call itself must refuse: the iterator is never asked for anything."""
    with pytest.raises(LoaderError) as caught:
        stream(facts, decision, "Hi", **more)
    return caught.value


BLOCKED = {
    "decision": "block",
    "backend": "mlx_lm",
    "gate": "memory",
    "error_type": "insufficient_memory",
    "message": "it needs 80 GB of 16 GB",
}


@pytest.mark.parametrize("decision", [BLOCKED, SimpleNamespace(**BLOCKED)], ids=["dict", "object"])
def test_a_blocked_decision(text_model: Path, decision: object) -> None:
    error = refused(facts_of(text_model), decision)
    assert (error.code, error.message) == ("blocked", "it needs 80 GB of 16 GB")
    assert error.help == "gate `memory` decided so"


@pytest.mark.parametrize("decision", [{}, {"decision": None}, {"decision": True, "backend": "mlx_lm"}, None, "allow"])
def test_anything_but_allow_and_warn(text_model: Path, decision: object) -> None:
    assert refused(facts_of(text_model), decision).code == "blocked"


@pytest.mark.parametrize("backend", ["unsupported", None, "mlx", "os"])
def test_an_unknown_backend(text_model: Path, backend: str) -> None:
    assert refused(facts_of(text_model), allow(backend)).code == "unknown_backend"


@pytest.mark.parametrize(
    ("decided", "given", "message"),
    [
        ({}, {"images": ["a.png"]}, "the request has images, the decision was made for one without"),
        ({"images": True}, {}, "the request has no images, the decision was made for one with"),
        ({}, {"audio": ["a.wav"]}, "the request has audio, the decision was made for one without"),
        ({"audio": True}, {}, "the request has no audio, the decision was made for one with"),
    ],
)
def test_another_request(text_model: Path, decided: dict[str, bool], given: dict[str, Any], message: str) -> None:
    error = refused(facts_of(text_model, **decided), allow("mlx_vlm"), **given)
    assert (error.code, error.message) == ("request_mismatch", message)


def test_media_that_the_backend_does_not_take(text_model: Path, picture: Path, recording: Path) -> None:
    error = refused(facts_of(text_model, images=True), allow("mlx_lm"), images=[picture])
    assert (error.code, error.message) == ("request_mismatch", "mlx-lm takes no images")
    error = refused(facts_of(text_model), allow("mlx_audio"))
    assert error.code == "request_mismatch"


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "secret", "below a file", "nul"])
def test_media(vision_model: Path, picture: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / kind
    match kind:
        case "folder":
            file.mkdir()
        case "empty":
            file.touch()
        case "secret":
            file.write_bytes(b"x")
            monkeypatch.setattr(Path, "open", forbidden)  # root, as in a container, may read a file of mode 0
        case "below a file":
            file = picture / "x.png"
        case "nul":
            file = Path("a\0b")
        case _:
            pass
    error = refused(facts_of(vision_model, images=True), allow("mlx_vlm"), images=[file])
    # A NUL is missing for Python 3.11 and an error for others.
    assert error.code in ({"media_not_found", "media_unreadable"} if kind == "nul" else CODES[kind])


CODES = {
    "missing": {"media_not_found"},
    "below a file": {"media_not_found"},
    "folder": {"media_unreadable"},
    "empty": {"media_unreadable"},
    "secret": {"media_unreadable"},
}


@pytest.mark.parametrize(
    "limits",
    [{"max_tokens": 0}, {"max_tokens": -1}, {"max_tokens": True}, {"temperature": -0.1}, {"temperature": float("nan")}],
    ids=str,
)
def test_numbers_that_make_no_sense(text_model: Path, limits: dict[str, Any]) -> None:
    assert refused(facts_of(text_model), allow("mlx_lm"), **limits).code == "bad_argument"


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    assert refused(facts_of(tmp_path / "gone"), allow("mlx_lm")).code == "path_mismatch"
    assert refused({"model": {}}, allow("mlx_lm")).code == "path_mismatch"


def test_a_folder_that_holds_another_model_by_now(tmp_path: Path) -> None:
    merge(tmp_path, "config.json", {"model_type": "llama"})
    facts = facts_of(tmp_path)
    merge(tmp_path, "config.json", {"model_type": "olmo"})
    error = refused(facts, allow("mlx_lm"))
    assert error.code == "path_mismatch"
    assert error.message == "the decision was made for a model of type `llama`, the folder holds one of type `olmo`"


def test_a_backend_that_is_not_installed(text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlxk_rules.loaders.backends.running as execute

    monkeypatch.setattr(execute, "find_spec", lambda name: None)
    error = failure(text_model, "mlx_lm")
    assert error.code == "backend_not_installed"
    assert error.help is not None and "mlx-lm" in error.help and "mlxk-rules[" not in error.help  # it is on no index


def test_the_path_decides_and_not_the_name(text_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path that looks like a repository is still a folder."""
    monkeypatch.chdir(text_model.parent)
    facts = facts_of(text_model)
    facts["model"] |= {"name": "org/other", "path": text_model.name}
    assert "".join(stream(facts, allow("mlx_lm"), "Hi")).startswith("The sky")


def test_stdout_stays_clean_and_limits_stay(
    text_model: Path, speech_model: Path, recording: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE), dict(os.environ), sys.stdout
    answer(text_model, "mlx_lm")
    answer(speech_model, "mlx_audio", audio=[recording])
    assert capfd.readouterr() == ("", "")
    assert (resource.getrlimit(resource.RLIMIT_NOFILE), dict(os.environ), sys.stdout) == before
