"""What of the hub a MODEL may name, and how."""

from __future__ import annotations

import pytest
from mlxk_rules.loaders import LoaderError, is_remote, remote


@pytest.mark.parametrize(
    ("model", "repo", "revision"),
    [
        ("hf://org/name", "org/name", None),
        ("hf://gpt2", "gpt2", None),
        ("hf://models/org/name", "org/name", None),
        ("hf://org/name/", "org/name", None),
        ("hf://org/name@v1.0", "org/name", "v1.0"),
        ("hf://org/name@refs/pr/3", "org/name", "refs/pr/3"),
        ("hf://org/name@" + "a" * 40, "org/name", "a" * 40),
        ("https://huggingface.co/org/Name-3.1_8B", "org/Name-3.1_8B", None),
        ("huggingface.co/org/name", "org/name", None),
        ("https://hf.co/org/name?library=mlx#top", "org/name", None),
        ("https://huggingface.co/org/name/tree/main", "org/name", "main"),
        ("https://huggingface.co/org/name/blob/main/sub/config.json", "org/name", "main"),
        ("https://huggingface.co/org/name/resolve/v2/model.safetensors?download=true", "org/name", "v2"),
        ("https://huggingface.co/org/name/tree/refs%2Fpr%2F1", "org/name", "refs/pr/1"),
        ("https://huggingface.co/org/name/tree/refs/pr/1", "org/name", "refs/pr/1"),
        ("https://huggingface.co/org/name/discussions/4", "org/name", None),
    ],
)
def test_what_names_a_repo(model: str, repo: str, revision: str | None) -> None:
    assert is_remote(model)
    assert remote(model) == (repo, revision)


def test_a_page_of_ones_own_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example:8443/")
    assert remote("https://hub.example:8443/org/name/tree/main") == ("org/name", "main")


@pytest.mark.parametrize("model", ["org/name", "./org/name", "name", "/hf/org", "huggingface.com/x", "hf:org/name", ""])
def test_what_is_here_or_nowhere(model: str) -> None:
    assert not is_remote(model)


@pytest.mark.parametrize(
    "model",
    [
        "hf://", "hf://a/b/c", "hf://../b", "hf://a/..", "hf://a--b/c", "hf://-a/b", "hf://a/b@", "hf://a/b@x y",
        "hf://a/b@../..", "hf://a/b@\x1b[2J", "hf://datasets/org/name", "hf://a/b.", "https://huggingface.co/",
        "https://huggingface.co/datasets/org/name", "https://example.com/org/name", "ftp://huggingface.co/org/name",
        "file:///etc/passwd", "https://huggingface.co@evil.example/org/name", "hf://o\u202erg/name",
    ],
)  # fmt: skip
def test_what_names_none(model: str) -> None:
    with pytest.raises(LoaderError) as caught:
        remote(model)
    assert caught.value.code == "bad_name"
    assert caught.value.message.isprintable() and "hf://org/name" in (caught.value.help or "")
