"""The example model that ships with the project; `python -m tests.tiny.hello` makes it again, byte for byte."""

from __future__ import annotations

from pathlib import Path

from .text import text

FOLDER = Path(__file__).parent.parent / "models" / "hello"
ANSWER = "Hello from a model that was checked before it was loaded."

_README = f"""---
license: apache-2.0
library_name: mlx
pipeline_tag: text-generation
tags:
- mlx
- llama
---

# hello

A tiny demo, not a language model: a sound folder of type `llama` that mlx-lm loads in milliseconds, and that answers
every prompt with "{ANSWER}"

It was written by `python -m tests.tiny.hello` from the project's root: one layer that adds nothing, and embeddings in
which each word of the answer leads to the next (`tests/tiny/chain.py` tells how). A test makes it again and compares
the bytes.
"""


def hello(folder: Path = FOLDER) -> Path:
    """Writes the model; gives the folder."""
    text(folder, ANSWER)
    (folder / "README.md").write_text(_README, encoding="utf-8")
    return folder


if __name__ == "__main__":
    hello()
