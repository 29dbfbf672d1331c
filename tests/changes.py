"""What may become of a model's folder, and of a repo in the cache, between two looks at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

Change = Callable[[Path], None]

# --- of a folder


def touched(folder: Path) -> None:
    (folder / "config.json").touch()


def longer(folder: Path) -> None:
    with (folder / "README.md").open("a") as file:
        file.write(" ")


def rewritten(folder: Path) -> None:
    """Another type, as long, and the old times set back."""
    config = folder / "config.json"
    status = config.stat()
    config.write_bytes(config.read_bytes().replace(b'"llama"', b'"lamma"'))
    os.utime(config, ns=(status.st_atime_ns, status.st_mtime_ns))


def added(folder: Path) -> None:
    (folder / "modeling.py").touch()


def linked(folder: Path) -> None:
    (folder / "new").symlink_to("nowhere")


def removed(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def renamed(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "tokenizer.jsonl")


def closed(folder: Path) -> None:
    config = folder / "config.json"
    config.chmod(0o644 if config.stat().st_mode & 0o77 == 0 else 0o600)


def below(folder: Path) -> None:
    (folder / "sub").mkdir()


def written_below(folder: Path) -> None:
    below(folder)
    (folder / "sub/x").touch()


FOLDER: list[Change] = [touched, longer, rewritten, added, linked, removed, renamed, closed, below, written_below]

# --- of a repo in the cache


def snapshot(repo: Path) -> Path:
    """The snapshot that main names."""
    return repo / "snapshots" / (repo / "refs/main").read_text()


def linked_to_another(repo: Path) -> None:
    config = snapshot(repo) / "config.json"
    (repo / "blobs/other").write_text('{"model_type": "whisper"}')
    config.unlink()
    config.symlink_to("../../blobs/other")


def blob_replaced(repo: Path) -> None:
    blob = (snapshot(repo) / "config.json").resolve()
    (blob.parent / "new").write_text('{"model_type": "whisper"}')
    (blob.parent / "new").replace(blob)


def blob_gone(repo: Path) -> None:
    (snapshot(repo) / "model.safetensors").resolve().unlink()


def main_moved(repo: Path) -> None:
    other = repo / "snapshots" / ("b" * 40)
    shutil.copytree(snapshot(repo), other, symlinks=True)
    (other / "config.json").unlink()
    (repo / "refs/main").write_text(other.name)


def main_gone(repo: Path) -> None:
    (repo / "refs/main").unlink()


def snapshot_gone(repo: Path) -> None:
    shutil.rmtree(repo / "snapshots")


def snapshot_replaced(repo: Path) -> None:
    folder = snapshot(repo)
    folder.rename(folder.parent / "old")
    folder.mkdir()


REPO: list[Change] = [
    linked_to_another,
    blob_replaced,
    blob_gone,
    main_moved,
    main_gone,
    snapshot_gone,
    snapshot_replaced,
]
