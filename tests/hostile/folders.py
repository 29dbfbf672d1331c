"""Makes the folders of folders.yaml."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..case_files import cases

HERE = Path(__file__).parent
HELLO = HERE.parent / "models/hello"
# `{{ x * 5000 }}`: so many of them.
_MANY = re.compile(r"\{\{ (\S) \* (\d+) \}\}")


class Row(NamedTuple):
    """What is done to a sound model, and what is to be answered; `kind` where that is one thing for one file."""

    id: str
    does: dict[str, dict[str, Any]]
    gate: str | None
    says: str
    folder: str
    slow: bool

    @property
    def needs_no_root(self) -> bool:
        """Whether it is hostile only to a user who may not read everything."""
        return any(how.get("kind") == "mode0" for how in self.does.values())

    def lay(self, folder: Path) -> Path:
        """Makes the folder."""
        shutil.copytree(HELLO, folder)
        for name, how in self.does.items():
            _change(folder / name, how)
        return folder


def rows() -> Iterator[Row]:
    """Every row of folders.yaml, one for each file and kind."""
    for entry in cases(__file__, "folders.yaml"):
        gate, says, name = entry.get("gate"), entry.get("says", ""), entry.get("folder", "model")
        for file in entry.get("each", ()):
            for kind in entry["kinds"]:
                yield Row(f"{file}-is-{kind}", {file: {"kind": kind}}, gate, says, name, False)
        if "each" not in entry:
            yield Row(entry["id"], entry.get("does", {}), gate, says, name, entry.get("slow", False))


def _change(file: Path, how: dict[str, Any]) -> None:
    if "json" in how:
        keys = {key: _many(value) if isinstance(value, str) else value for key, value in how["json"].items()}
        file.write_text(json.dumps(json.loads(file.read_bytes()) | keys))
    elif "header" in how:
        content = how["header"].encode()
        file.write_bytes(len(content).to_bytes(8, "little") + content + bytes(64))
    elif "text" in how:
        file.write_text(_many(how["text"]))
    elif how["kind"] == "mode0":
        file.touch()
        file.chmod(0)
    else:
        file.unlink(missing_ok=True)
        {"fifo": os.mkfifo, "folder": Path.mkdir, "loop": _loop, "zero": _zero, "gone": _gone}[how["kind"]](file)


def _many(text: str) -> str:
    return _MANY.sub(lambda found: found[1] * int(found[2]), text)


def _loop(file: Path) -> None:
    file.symlink_to(file.name)


def _zero(file: Path) -> None:
    file.symlink_to("/dev/zero")


def _gone(file: Path) -> None:
    file.symlink_to("nowhere")
