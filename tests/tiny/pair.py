"""The example that two machines can share; `python -m tests.tiny.pair` makes it again, byte for byte."""

from __future__ import annotations

from pathlib import Path

from .files import write_json
from .text import text

FOLDER = Path(__file__).parent.parent / "models" / "pair"
HOSTS = FOLDER.parent / "two-here.json"
ANSWER = "Hello from two ranks that agreed before they loaded."

_README = f"""---
license: apache-2.0
library_name: mlx
pipeline_tag: text-generation
tags:
- mlx
- qwen2
---

# pair

A tiny demo, not a language model: a sound folder of type `qwen2` whose two layers and two heads two ranks can share, by
tensors and by layers, and that answers every prompt with "{ANSWER}"

It was written by `python -m tests.tiny.pair` from the project's root; `two-here.json` beside it is a hostfile of two
ranks on this machine. A test makes both again and compares the bytes.
"""


def pair(folder: Path = FOLDER) -> Path:
    """Writes the model; gives the folder."""
    text(folder, ANSWER, "qwen2", shards=2, layers=2, key_value_heads=2)
    (folder / "README.md").write_text(_README, encoding="utf-8")
    return folder


def hosts(file: Path = HOSTS) -> Path:
    """Writes the hostfile; gives it."""
    here = {"ssh": "127.0.0.1", "ips": ["127.0.0.1"]}
    write_json(file, {"backend": "ring", "hosts": [here, here]})
    return file


if __name__ == "__main__":
    pair()
    hosts()
