"""What was looked at is what is loaded: a swap of any file, at any read, leads to the same answer or to a refusal."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.loaders import probe
from mlxk_rules.loaders.backends.pinned_folder import pinned
from mlxk_rules.loaders.backends.running import stream
from mlxk_rules.loaders.problems import LoaderError

from .helpers import allow, merge


class Reads:
    """Counts what is opened in a folder, and does something just before one of it is."""

    def __init__(self) -> None:
        self.folder, self.count = "", 0
        self.at: int | None = None
        self.swap: Callable[[], None] = lambda: None
        sys.addaudithook(self._heard)

    def watch(self, folder: Path, at: int | None, swap: Callable[[], None]) -> None:
        self.folder, self.count, self.at, self.swap = str(folder), 0, at, swap

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.scandir") or not self.folder or not arguments[0]:
            return
        path = arguments[0]
        if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(self.folder):
            self.count += 1
            if self.count == self.at:
                watched, self.folder = self.folder, ""  # what swaps them opens files too
                self.swap()
                self.folder = watched


READS = Reads()  # a hook cannot be taken away again


def evil(folder: Path, marker: Path) -> None:
    """Puts other files in the place of all: with code of its own, and with the weights of another model."""
    other = folder.with_name("other")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(folder, other)
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    (other / "evil.py").write_text(code)
    merge(other, "config.json", {"model_file": "evil.py", "auto_map": {"AutoConfig": "evil.Config"}})
    weights = next(other.glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    length = int.from_bytes(content[:8], "little")
    content[8 + length :] = bytes(len(content) - 8 - length)
    weights.write_bytes(content)
    for file in other.iterdir():
        os.replace(file, folder / file.name)


# A model of each backend, and what is sent to it.
LOADS = {
    "mlx_lm": ("text_model", {}),
    "mlx_vlm": ("vision_model", {"images": "picture"}),
    "mlx_audio": ("speech_model", {"audio": "recording"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("backend", LOADS)
def test_a_swap_at_any_read(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    name, sent = LOADS[backend]
    model = request.getfixturevalue(name)
    media = {kind: [request.getfixturevalue(file)] for kind, file in sent.items()}
    marker, folder = tmp_path / "ran", tmp_path / "model"

    def run(at: int | None) -> str:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(model, folder)
        facts = probe(folder, images="images" in media, audio="audio" in media, dry_run=False)
        READS.watch(folder, at, lambda: evil(folder, marker))
        try:
            return "".join(stream(facts, allow(backend), "Hi there", max_tokens=8, **media))
        finally:
            READS.folder = ""

    wanted = run(None)
    reads = READS.count
    assert wanted and reads > 5
    refused = 0
    for at in range(1, reads + 1):
        try:
            assert run(at) == wanted, at
        except LoaderError as error:
            refused += 1
            assert error.code in ("path_mismatch", "remote_code"), error
        assert not marker.exists()
    assert refused


def test_weights_stay_those_that_were_opened(text_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(text_model, folder)
    (folder / "code.py").write_text("")
    (folder / "weights.bin").write_bytes(b"")
    whole = next(folder.glob("*.safetensors")).read_bytes()
    with pinned(folder, None) as held:
        for file in folder.iterdir():
            other = file.with_name("new")
            other.write_bytes(b"another")
            other.replace(file)
        assert next(held.path.glob("*.safetensors")).read_bytes() == whole
        assert json.loads((held.path / "config.json").read_bytes())
        assert not list(held.path.glob("*.py")) and not list(held.path.glob("*.bin"))
    assert not held.path.exists()


def test_a_folder_that_changed_since_it_was_probed(text_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(text_model, folder)
    facts = probe(folder, dry_run=False)
    (folder / "config.json").write_text((folder / "config.json").read_text("utf-8") + " ")
    with pytest.raises(LoaderError) as caught:
        stream(facts, allow("mlx_lm"), "Hi")
    assert caught.value.code == "path_mismatch"
