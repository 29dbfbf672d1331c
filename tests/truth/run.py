"""Really loads and generates, one folder at a time, in processes of their own: a crash is an outcome like any other."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

TIMEOUT = 120


@dataclass(frozen=True)
class Job:
    folder: Path
    backend: str
    image: Path | None
    audio: Path | None


@dataclass(frozen=True)
class Outcome:
    """`error` is None where the model loaded and generated; else the one line of what went wrong."""

    error: str | None
    answer: str = ""


def outcome(job: Job) -> Outcome:
    """In this process."""
    from mlxk_rules.loaders import LoaderError, stream

    from ..loaders.backends.helpers import allow, facts_of

    images = [job.image] if job.image else []
    audio = [job.audio] if job.audio else []
    facts = facts_of(job.folder, images=bool(images), audio=bool(audio))
    try:
        pieces = stream(facts, allow(job.backend), "Hi there", images=images, audio=audio, max_tokens=8)
        return Outcome(None, "".join(pieces))
    except LoaderError as error:
        return Outcome(f"{error.code}: {error.message}")
    except BaseException as error:
        return Outcome(f"NOT A LOADER ERROR: {type(error).__name__}: {error}")


def outcomes(jobs: Sequence[Job], workers: int = 2) -> list[Outcome]:
    """The outcome of each job, in their order."""
    results: list[Outcome | None] = [None] * len(jobs)
    waiting: SimpleQueue[int] = SimpleQueue()
    for number in range(len(jobs)):
        waiting.put(number)

    def serve() -> None:
        worker = _Worker()
        while not waiting.empty():
            try:
                number = waiting.get_nowait()
            except Exception:
                break
            results[number] = worker.run(jobs[number])
        worker.close()

    threads = [Thread(target=serve) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [result or Outcome("not run") for result in results]


class _Worker:
    """A process that runs jobs until one kills it; then another takes its place."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_work, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def run(self, job: Job) -> Outcome:
        try:
            self._pipe.send(job)
            if self._pipe.poll(TIMEOUT):
                return self._pipe.recv()
            told = f"no answer in {TIMEOUT} s"
        except (EOFError, OSError):
            self._process.join()
            told = f"the process died with {self._process.exitcode}"
        self.close()
        self._start()
        return Outcome(told)

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _work(pipe: Connection) -> None:
    os.environ["MLX_DISABLE_COMPILE"] = "1"
    while True:
        try:
            job: Any = pipe.recv()
        except EOFError:
            return
        pipe.send(outcome(job))
