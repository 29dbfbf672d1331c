"""Takes the truth again, with the libraries that are installed, and tells what changed: how a new release is met.

Usage:
  tests.zoo.retake [--write] [NAME]...
  tests.zoo.retake (-h | --help)

Run it as `python -m tests.zoo.retake`. Without a NAME all models are asked about, which takes half an hour on one core.
A NAME may end in `*`.

Options:
  --write    Write what changed into the model files.
  -h --help  Show this.

Exit codes: 0 nothing changed, 1 something did, 2 no such model.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from docopt import docopt

from .asking import BACKENDS, Truth, serve
from .build import lay
from .catalogue import MODELS, Model, named
from .notation import dump

TIMEOUT = 300
ENDED = "the process ended with"
# A child is as large as the largest model it saw.
MODELS_A_CHILD = 20


class Child:
    """A process that asks the libraries; another takes its place where one dies or does not answer."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._asked = 0
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=serve, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def ask(self, backend: str, folder: Path) -> Truth:
        """A process that dies is asked again, alone: it may have died of what it was asked before."""
        if self._asked >= MODELS_A_CHILD:
            self._again()
        told = self._ask(backend, folder)
        return self._ask(backend, folder) if told["load"].startswith(ENDED) else told

    def _ask(self, backend: str, folder: Path) -> Truth:
        self._asked += 1
        try:
            self._pipe.send((backend, str(folder)))
            if self._pipe.poll(TIMEOUT):
                return self._pipe.recv()
            told = f"no answer in {TIMEOUT} s"
        except (EOFError, OSError):
            self._process.join()
            told = f"{ENDED} {self._process.exitcode}"
        self._again()
        return {"load": told}

    def _again(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def truth_of(model: Model, children: Mapping[str, Child]) -> dict[str, Truth]:
    """By backend. Each gets a folder of its own, as one may write into it."""
    found: dict[str, Truth] = {}
    for backend, child in children.items():
        with tempfile.TemporaryDirectory() as place:
            lay(model, Path(place) / model.name)
            found[backend] = child.ask(backend, Path(place) / model.name)
    return found


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for backend in [*new, *(backend for backend in old if backend not in new)]:
        before, now = old.get(backend, {}), new.get(backend, {})
        for key in [*now, *(key for key in before if key not in now)]:
            if before.get(key) != now.get(key):
                yield f"{backend}.{key}: {before.get(key, '-')} -> {now.get(key, '-')}"


def with_truth(text: str, truth: Mapping[str, Any]) -> str:
    """The text of a model file with this truth in it; all other lines stay as they are."""
    lines = text.splitlines(keepends=True)
    tops = [number for number, line in enumerate(lines) if line[0].isalpha()] + [len(lines)]
    keys = {lines[number].partition(":")[0]: number for number in tops[:-1]}
    start = keys.get("truth") or min(
        (keys[key] for key in ("config", "weights", "files") if key in keys), default=len(lines)
    )
    end = tops[tops.index(start) + 1] if "truth" in keys else start
    return "".join([*lines[:start], dump({"truth": truth}), *lines[end:]])


def main(words: list[str]) -> int:
    said = docopt(__doc__ or "", words)
    chosen = list(named(*(said["NAME"] or ["*"])))
    if not chosen:
        print(f"no model is named {' or '.join(said['NAME'])}", file=sys.stderr)
        return 2
    print(", ".join(f"{name} {version(name)}" for name in ("mlx", "mlx-lm", "mlx-vlm", "mlx-audio", "transformers")))
    children = {backend: Child() for backend in BACKENDS}
    changed = 0
    for model in chosen:
        truth = truth_of(model, children)
        told = list(changes(model.truth, truth))
        for line in told:
            print(f"{model.name}: {line}", flush=True)
        changed += bool(told)
        if told and said["--write"]:
            file = MODELS / model.kind / f"{model.name}.yaml"
            file.write_text(with_truth(file.read_text("utf-8"), truth), "utf-8")
    for child in children.values():
        child.close()
    print(f"{changed} of {len(chosen)} models changed")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
