"""The facts of many folders, as their backends tell them: one child a backend goes from folder to folder."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlxk_rules.loaders import Probed, Shape, Workers, machine, request_of


class Rehearser:
    """Probes folders on the machine as it is, or with some of its memory facts changed (`memory.accelerator`)."""

    def __init__(self, workers: Workers, memory: dict[str, Any]) -> None:
        self._workers = workers
        found = machine()
        self._machine = found._replace(memory=found.memory | memory)

    def facts(self, folder: Path | Shape, images: bool = False, audio: bool = False, **request: Any) -> dict[str, Any]:
        """The facts of a folder for a request, the backends asked."""
        asked = request_of(images=images, audio=audio, **request)
        probed = Probed.of(folder, asked, machine=self._machine)
        return probed.rehearsed(probed.facts(), workers=self._workers)


@contextmanager
def rehearser(**memory: Any) -> Generator[Rehearser]:
    """While open, folders are rehearsed by the same children."""
    with Workers() as workers:
        yield Rehearser(workers, memory)
