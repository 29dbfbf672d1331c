"""The child process of a dry run: reads jobs from standard input, a line each, and answers each by a line.

A job names a backend, a folder, where its shape may be laid, and a request, or counts of ranks. The child ends with its
parent, whatever ends that one: standard input is then closed, and what was laid is removed.
"""

from __future__ import annotations

import json
import queue
import shutil
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from ..backends.remote_code import no_remote_code, refuse_model_file
from ..backends.request import Request
from ..backends.surroundings import end_process, own_output, quiet_and_offline, silence
from . import guard, outcome, shape
from .rehearsals import media
from .rehearsals.rehearsal import Rehearsal


def main() -> None:
    """Works until standard input ends. Its one argument is a folder of its own."""
    answers = own_output()
    silence(2)
    place = Path(sys.argv[1])
    guard.limit_memory(lambda: _end(place))
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, place), daemon=True).start()
    while True:
        job = json.loads(jobs.get())
        answer = _answer(job, place) | {"recommended_bytes": guard.working_set()}
        try:
            answers.write(f"{json.dumps(answer)}\n")
            answers.flush()
        except OSError:  # nobody hears it any more
            _end(place)


def _listen(jobs: queue.SimpleQueue[str], place: Path) -> None:
    for line in sys.stdin:
        jobs.put(line)
    _end(place)


def _end(place: Path) -> NoReturn:
    end_process(0, lambda: _tidy(place))


def _tidy(place: Path) -> None:
    # Another thread may be laying files: under another name it finds no place for more of them.
    gone = place.with_name(f"{place.name}-gone")
    with suppress(OSError):
        place.rename(gone)
    for one in (gone, place):
        shutil.rmtree(one, ignore_errors=True)


def _answer(job: dict[str, Any], place: Path) -> dict[str, Any]:
    folder = place / "model"
    try:
        shape.lay(job["folder"], folder)
        with guard.closed(job["folder"]):
            return _rehearse(job, folder, Request("Hello", *media.lay(place, job["image_size"], job["audio"])))
    except (shape.NoShape, MemoryError) as error:
        return outcome.not_done(job["backend"], str(error) or "it takes more memory than a dry run may have")
    except OSError as error:
        return outcome.not_done(
            job["backend"], f"the folder's shape cannot be laid: {outcome.reason(error, str(place))}"
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rehearse(job: dict[str, Any], folder: Path, request: Request) -> dict[str, Any]:
    backend = import_module(f".rehearsals.{job['backend']}", __package__)
    rehearsal = Rehearsal(job["backend"])
    with quiet_and_offline(), no_remote_code() as refused:
        try:
            refuse_model_file(folder)
            if job.get("ranks"):
                backend.split(folder, job["ranks"], job["accelerator"], rehearsal)
                return rehearsal.facts
            backend.rehearse(folder, request, rehearsal)
            if refused and job["backend"] == "mlx_audio":  # which goes on, and would spell tokens as numbers
                rehearsal.opened = False
                raise RuntimeError(refused[0])
        except MemoryError:
            raise
        except BaseException as error:  # mlx_lm.models.olmo calls sys.exit; a panic of Rust's is no Exception
            rehearsal.failed(error, str(folder), job["folder"])
            # What was refused and found another way is not what failed.
            if (refused and not rehearsal.opened) or getattr(error, "code", None) == "remote_code":
                rehearsal.facts["needs_code"] = refused[0] if refused else str(error)
        if rehearsal.model is not None:
            rehearsal.working_memory(job["accelerator"])
    return rehearsal.facts


if __name__ == "__main__":
    main()
