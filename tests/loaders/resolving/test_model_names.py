"""MODEL to folder: every form, every error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mlxk_rules.loaders import LoaderError, Resolved, cache_folder, cached, resolve

A, B, C = "a1" * 20, "a2" * 20, "b3" * 20


def repo(hub: Path, name: str, *snapshots: str, **refs: str) -> Path:
    """A cached repo; the snapshots are oldest first."""
    root = hub / f"models--{name.replace('/', '--')}"
    (root / "blobs").mkdir(parents=True)
    for age, commit in enumerate(snapshots):
        (root / "snapshots" / commit).mkdir(parents=True)
        os.utime(root / "snapshots" / commit, (1000 + age, 1000 + age))
    for ref, commit in refs.items():
        (root / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
        (root / "refs" / ref).write_text(commit)
    return root


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    hub = tmp_path / "hub"
    repo(hub, "org/Llama-3-8B", A, B, main=A, v1=B)
    repo(hub, "other/llama-3-8b", A)
    repo(hub, "org/Qwen2-7B-Instruct", C, A, B)
    repo(hub, "gpt2", A, main=A)
    repo(hub, "openai/gpt2", B, main=B)
    repo(hub, "org/newline", A, B, main=f"{A}\n")
    repo(hub, "org/stale", A, B, main=C)
    repo(hub, "org/empty", main=A)
    repo(hub, "evil/up", A, main="..", slash=f"../snapshots/{A}", nul="\0", long=A * 1000, blank=" ")
    (hub / "models--evil--file").write_text("not a folder")
    (hub / "datasets--org--data" / "snapshots" / A).mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    (tmp_path / "work" / "plain").mkdir(parents=True)
    (tmp_path / "work" / "file.gguf").write_text("")
    (tmp_path / "work" / "pointer").symlink_to("plain")
    monkeypatch.chdir(tmp_path / "work")
    return hub


@pytest.mark.parametrize(
    ("model", "name", "commit"),
    [
        ("org/Llama-3-8B", "org/Llama-3-8B", A),
        ("org/Llama-3-8B@main", "org/Llama-3-8B", A),
        ("org/Llama-3-8B@v1", "org/Llama-3-8B", B),
        ("org/Llama-3-8B@a2", "org/Llama-3-8B", B),
        (f"org/Llama-3-8B@{A}", "org/Llama-3-8B", A),
        ("Llama-3-8B", "org/Llama-3-8B", A),
        ("llama-3-8b", "other/llama-3-8b", A),
        ("qwen2-7b-instruct", "org/Qwen2-7B-Instruct", B),
        ("7B-Instruct", "org/Qwen2-7B-Instruct", B),
        ("Instruct@b3", "org/Qwen2-7B-Instruct", C),
        ("ORG/llama-3-8b", "org/Llama-3-8B", A),
        ("wen2", "org/Qwen2-7B-Instruct", B),
        ("gpt2", "gpt2", A),
        ("openai/gpt2", "openai/gpt2", B),
        ("org/newline", "org/newline", A),
        ("org/stale", "org/stale", B),
        ("evil/up", "evil/up", A),
    ],
)
def test_a_name_resolves_in_the_cache(hub: Path, model: str, name: str, commit: str) -> None:
    path = hub / f"models--{name.replace('/', '--')}" / "snapshots" / commit
    assert resolve(model) == Resolved(name, str(path), name, commit)


@pytest.mark.parametrize(
    ("model", "name", "path"),
    [
        ("plain", "plain", "work/plain"),
        ("./plain", "plain", "work/plain"),
        ("plain/", "plain", "work/plain"),
        ("pointer", "pointer", "work/pointer"),
        ("../work/plain", "plain", "work/plain"),
        (".", "work", "work"),
        ("~/plain", "plain", "work/plain"),
    ],
)
def test_a_path_resolves_to_its_folder(
    hub: Path, monkeypatch: pytest.MonkeyPatch, model: str, name: str, path: str
) -> None:
    monkeypatch.setenv("HOME", str(hub.parent / "work"))
    assert resolve(model) == Resolved(name, str(hub.parent / path))


def test_a_folder_wins_over_a_cached_repo(hub: Path) -> None:
    Path("org/Llama-3-8B").mkdir(parents=True)
    assert resolve("org/Llama-3-8B").repo is None
    assert resolve(Path("plain")).name == "plain"


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [
        ("", "bad_name", "no name of a model"),
        ("a\0b", "bad_name", "no name of a model"),
        ("org/..", "bad_name", "no repo id"),
        ("../../etc/passwd/..", "model_not_found", "no folder"),
        ("org/../x", "bad_name", "no repo id"),
        ("a/b/c", "bad_name", "no repo id"),
        ("org/Llama-3-8B@", "bad_name", "no revision after the @"),
        ("@main", "bad_name", "no repo id"),
        ("org/Lama-3-8B", "model_not_found", "did you mean `org/Llama-3-8B`"),
        ("Qwen3-7B-Instruct", "model_not_found", "did you mean `Qwen2-7B-Instruct`"),
        ("zzzzzzzz", "model_not_found", "`mlxk-rules list`"),
        ("8b", "ambiguous_model", "`org/Llama-3-8B`, `other/llama-3-8b`"),
        ("LLAMA", "ambiguous_model", "say which: `org/Llama-3-8B`, `other/llama-3-8b`"),
        ("org/qwen2", "model_not_found", "did you mean `org/Qwen2-7B-Instruct`?"),
        ("some/Model-7B", "model_not_found", "`hf://some/Model-7B` asks the hub for it"),
        ("x" * 5000, "model_not_found", "no cached model"),
        ("org/Llama-3-8B@a", "ambiguous_revision", f"`{A}`, `{B}`"),
        ("org/Llama-3-8B@c", "revision_not_found", "it has `main`, `v1`, `a2a2a2a2a2a2`, `a1a1a1a1a1a1`"),
        ("org/Llama-3-8B@mian", "revision_not_found", "did you mean `main`?"),
        ("org/Llama-3-8B@../refs/v1", "revision_not_found", "no revision"),
        ("org/stale@main", "incomplete_snapshot", "not in the cache"),
        ("org/empty", "incomplete_snapshot", "without a snapshot"),
        ("evil/up@slash", "incomplete_snapshot", "not in the cache"),
        ("evil/up@nul", "incomplete_snapshot", "not in the cache"),
        ("evil/up@long", "incomplete_snapshot", "not in the cache"),
        ("evil/up@blank", "incomplete_snapshot", "not in the cache"),
        ("evil/file", "model_not_found", "did you mean"),
        ("file.gguf", "not_a_folder", "a file, not a folder"),
        ("./file.gguf", "not_a_folder", "a file, not a folder"),
        ("./plian", "model_not_found", "did you mean `plain`"),
        ("/nowhere/at/all", "model_not_found", "no folder"),
        ("bad\x1b[31m\udcff", "model_not_found", "`bad\ufffd[31m\ufffd`"),
    ],
)
def test_what_does_not_resolve_says_why(hub: Path, model: str, code: str, says: str) -> None:
    with pytest.raises(LoaderError) as caught:
        resolve(model)
    error = caught.value
    assert (error.code, says in f"{error.message} {error.help}") == (code, True), (
        error.code,
        error.message,
        error.help,
    )
    assert error.message[0] in "`" or error.message[0].islower()
    assert "\n" not in error.message and not error.message.endswith(".")
    error.message.encode("utf-8")


def test_a_folder_without_permission_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)  # root may read everything, so a mode would not do
    with pytest.raises(LoaderError) as caught:
        resolve(tmp_path)
    assert caught.value.code == "unreadable_folder"


def test_every_cached_repo_is_listed_and_a_broken_one_hides_none(hub: Path) -> None:
    entries = list(cached())
    assert [entry.repo for entry in entries] == sorted(entry.repo for entry in entries)
    broken = {entry.repo: entry.found.code for entry in entries if isinstance(entry.found, LoaderError)}
    assert broken == {"org/empty": "incomplete_snapshot"}
    assert len(entries) == 9


def test_without_a_cache_there_are_no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    assert list(cached()) == []
    with pytest.raises(LoaderError, match="no cached model"):
        resolve("org/name")


def test_a_cache_that_is_a_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hub").write_text("")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(LoaderError, match="cannot be read"):
        list(cached())


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({}, "/users/me/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/xdg", "HF_HOME": "/hf"}, "/hf/hub"),
        ({"HF_HOME": "~/hf"}, "/users/me/hf/hub"),
        ({"HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
        ({"HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/new"}, "/new"),
        ({"HF_HUB_CACHE": "$HOME/hub"}, "/users/me/hub"),
        ({"HF_HUB_CACHE": "", "HF_HOME": ""}, "/users/me/.cache/huggingface/hub"),
    ],
)
def test_the_environment_says_where_the_cache_is(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/users/me")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)


@pytest.mark.parametrize("name", ["a---b", "a--b--c", "a-", "-a", "a--", "--a", "a----b"])
def test_a_name_of_many_dashes_is_what_the_list_calls_it(name: str, hub: Path) -> None:
    (hub / f"models--{name}/snapshots/{A}").mkdir(parents=True)
    (told,) = [
        one for one in cached() if isinstance(one.found, Resolved) and one.found.path.parts[-3] == f"models--{name}"
    ]
    for wanted in (
        "a/b",
        "a-/b",
        "a/-b",
        "a--b/c",
        "a/b--c",
        "a-",
        "-a",
        "a--",
        "a--/b",
        "a/--b",
        "/a",
        "a/",
        told.repo,
    ):
        try:
            found = resolve(wanted)
        except LoaderError:
            assert wanted != told.repo or "" in told.repo.split("/")
        else:
            assert found.repo == wanted
