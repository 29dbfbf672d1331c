"""A model's facts: one plain JSON value that holds everything that a rule may read, as rules/facts.yaml tells."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import dry_run
from .dry_run import outcome
from .facts import folder, kept_facts, plain_json
from .facts.folder import Listing, listing
from .host import this_machine
from .host.installed import BACKENDS
from .host.this_machine import Host, runtime
from .machines import one_machine
from .problems import LoaderError
from .resolving import snapshot
from .resolving.model_names import Resolved, is_remote, resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from .dry_run import Question, Workers
    from .hub.shape import Shape

__all__ = ["CONTEXTS", "IMAGE_SIZE", "Probed", "probe", "request_of", "runtime"]

CONTEXTS = ("cli", "server")
IMAGE_SIZE = (1024, 1024)


def probe(
    model: str | os.PathLike[str] | Resolved | Shape,
    name: str | None = None,
    images: bool = False,
    audio: bool = False,
    context: str = "cli",
    trust_remote_code: bool = False,
    context_tokens: int | None = None,
    machine: Host | None = None,
    dry_run: bool | Literal["kept"] = True,
    image_size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Tells the facts of the folder that MODEL names, or `resolve` told, for a request that carries images or audio.

    A MODEL such as hf://org/name is asked of the hub, over the network, and is the only one that is.
    `name` stands for model.name, `context` is cli or server; `trust_remote_code` says that the person knows of code in
    the folder (no code of a folder is ever run); `context_tokens` is how long prompt and answer may get; `machine` is
    what `machine()` told, for who asks of many models. `dry_run` asks the installed backends themselves, which takes
    seconds where their answers are not kept; "kept" takes only those, False none. `image_size` is the width and height
    in pixels of the image that is reckoned for. The facts are nested by the dots of their names; sizes are in bytes.
    Nothing that the folder holds makes it raise: what could not be read stands in `problems`, with a reason.
    Raises LoaderError as `resolve` does, and as hub.shape.look does of the hub; ValueError for another context.
    """
    asked = request_of(images, audio, context, trust_remote_code, context_tokens, image_size)
    probed = Probed.of(model, asked, name, machine)
    facts = probed.pinned(probed.facts())
    return probed.rehearsed(facts) if dry_run is True else probed.told(facts) if dry_run else facts


def told_of(name: str, error: Exception) -> LoaderError:
    """What is said of a model that could not be looked at, through no fault that was foreseen: no other suffers."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    message = f"`{plain_json.text(name)[:200]}` cannot be looked at: {what}"
    return LoaderError("unreadable_model", message, "please report it, with config.json and the files' names and sizes")


def request_of(
    images: bool = False,
    audio: bool = False,
    context: str = "cli",
    trust_remote_code: bool = False,
    context_tokens: int | None = None,
    image_size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """The facts below `request`. Raises ValueError for another context than cli and server."""
    if context not in CONTEXTS:
        raise ValueError(f"context is {context!r}, and must be one of {', '.join(CONTEXTS)}")
    width, height = image_size or IMAGE_SIZE
    return {
        "images": bool(images),
        "audio": bool(audio),
        "context": context,
        "trust_remote_code": bool(trust_remote_code),
        "context_tokens": context_tokens,
        "image_width": width,
        "image_height": height,
        "adapter": None,
        "draft_model": None,
    }


def none_beside() -> dict[str, Any]:
    """The facts of other models in memory, of an adapter and a draft model to be loaded with this one, and what the hub
    says: none, and nothing."""
    untold = {
        "commit": None,
        "gated": False,
        "private": False,
        "readable": True,
        "model_type": None,
        "free_bytes": None,
    }
    draft = dict.fromkeys(("decision", "backend", "message", "unlike", "cache_bytes"))
    return {
        "resident": {"models": [], "bytes": 0},
        "adapter": {"bytes": 0},
        "draft": {**draft, "bytes": 0},
        "hub": {**untold, **{backend: {"download_bytes": None} for backend in BACKENDS}},
    }


class Probed:
    """A folder that was looked at, for one request: its facts at once, and what the backends say of it when asked."""

    def __init__(self, folder: str, machine: Host, name: str, request: dict[str, Any]) -> None:
        self._folder, self._machine, self._name, self._request = folder, machine, name, request
        self._listing = listing(folder)
        self._shape: Shape | None = None
        self._open: list[Question] | None = None
        self._kept: dict[str, dict[str, Any]] = {}
        self._questions: dict[str, Question] = {}
        self._split: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        model: str | os.PathLike[str] | Resolved | Shape,
        request: dict[str, Any],
        name: str | None = None,
        machine: Host | None = None,
    ) -> Probed:
        """The folder that MODEL names. Raises LoaderError as `probe` does."""
        found, shape = _located(model)
        made = cls(found.folder, machine or this_machine.look(), found.name if name is None else name, request)
        made._shape = shape
        return made

    def asking(self, request: dict[str, Any]) -> Probed:
        """The same folder as it was listed, for another request."""
        other = Probed.__new__(Probed)
        other.__dict__ |= {**self.__dict__, "_request": request, "_open": None, "_kept": {}, "_split": None}
        return other

    def facts(self) -> dict[str, Any]:
        """All facts but the backends' own, which are not_done. Raises LoaderError, as `told_of` says."""
        machine = self._machine
        try:
            facts = _facts_of(self._folder, self._listing, machine)
        except Exception as error:
            raise told_of(self._name, error) from error
        facts["model"]["name"] = plain_json.text(self._name)
        facts["model"] |= {**snapshot.facts(self._folder), "fingerprint": None}
        facts |= none_beside()
        if self._shape is not None:
            from .hub import hub_facts  # of no use for a model that is here

            facts = hub_facts.of_shape(facts, self._shape)
        facts["request"] = self._request
        facts["runtime"] = machine.runtime
        facts["memory"] |= machine.memory
        facts["machines"] = one_machine.none()
        facts["dry_run"] = {backend: outcome.not_done(backend, "it was not asked for") for backend in BACKENDS}
        return facts

    def pinned(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts with what tells the folder's files from others, so that a load can hold on to these."""
        return {**facts, "model": {**facts["model"], "fingerprint": self._listing.fingerprint}}

    @property
    def fingerprint(self) -> str:
        """What tells the folder's files, as they were listed, from others."""
        return self._listing.fingerprint

    def told(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts with what the backends said before, where that is kept."""
        self._look(facts)
        return self._with(facts)

    @property
    def is_open(self) -> bool:
        """Whether a backend is still to be asked, once `told` was."""
        return bool(self._open)

    def rehearsed(
        self,
        facts: dict[str, Any],
        waiting: Callable[[], object] | None = None,
        workers: Workers | None = None,
        ways: bool = False,
    ) -> dict[str, Any]:
        """The facts with what the backends say.

        `waiting` is called before any of them has to be asked anew; `workers` are those of who asks of many folders.
        `ways`: of a model that this machine may be too small for, mlx-lm is asked in the same breath how several
        machines would share it.
        """
        if self._open is None:
            self._look(facts)
        if self._open:
            if waiting is not None:
                waiting()
            if workers is not None:
                self._ask(workers, facts, ways)
            else:
                with dry_run.Workers() as workers:
                    self._ask(workers, facts, ways)
            self._open = []
        return self._with(facts)

    def _ask(self, workers: Workers, facts: dict[str, Any], ways: bool) -> None:
        self._kept |= workers.ask(self._open or [])
        if ways and self._kept["mlx_lm"]["status"] == "ok" and (question := self._of_machines(facts)) is not None:
            self._split = workers.ask([question])["mlx_lm"]

    def _of_machines(self, facts: dict[str, Any]) -> Question | None:
        """What mlx-lm is asked of several machines such as this one, where this one may be too small."""
        question, memory = self._questions.get("mlx_lm"), facts["memory"]
        total = memory["total_bytes"]
        if question is None or total is None or facts["weights"]["mlx_lm"]["size_bytes"] * 2 <= total:
            return None
        return dry_run.of_ranks(question, one_machine.COUNTS, memory["accelerator"])

    def split(
        self,
        facts: dict[str, Any],
        ranks: tuple[int, ...],
        accelerator: str | None,
        workers: Workers,
    ) -> dict[str, Any]:
        """What mlx-lm says of the folder split among each of so many ranks: `status`, `reason` and `shares`.

        `accelerator` is what all of the machines compute with, None where that differs; `workers` are those of who asks
        more than once.
        """
        if self._open is None:
            self._look(facts)
        question = self._questions.get("mlx_lm")
        if question is None:
            return self._kept["mlx_lm"]
        question = dry_run.of_ranks(question, ranks, accelerator)
        kept = dry_run.kept_facts(question)
        return workers.ask([question])["mlx_lm"] if kept is None else kept

    def _look(self, facts: dict[str, Any]) -> None:
        machine = self._machine
        signs = this_machine.signs(machine.packages, machine.memory["accelerator"])
        questions, others = dry_run.questions(
            self._folder, self._listing, facts, f"{signs} {this_machine.libraries(machine.packages)}"
        )
        self._kept, self._open = others, []
        self._questions = {question.backend: question for question in questions}
        for question in questions:
            kept = dry_run.kept_facts(question)
            if kept is None:
                self._open.append(question)
            else:
                self._kept[question.backend] = kept
        if (own := self._of_machines(facts)) is not None:
            self._split = dry_run.kept_facts(own)

    def _with(self, facts: dict[str, Any]) -> dict[str, Any]:
        # Metal's own recommendation comes with a backend's answer: asking for it means importing MLX.
        told = {backend: dict(one) for backend, one in self._kept.items()}
        said = [size for one in told.values() if (size := one.pop("recommended_bytes", None)) is not None]
        memory = facts["memory"]
        if said and memory["recommended_bytes"] is None:
            memory = {**memory, "recommended_bytes": said[0]}
        facts = {**facts, "memory": memory, "dry_run": facts["dry_run"] | told}
        if self._split is None:
            return facts
        from .machines import machine, machine_facts  # of use only where a model is large

        here = machine.this_machine(self._machine)._replace(recommended_bytes=memory["recommended_bytes"])
        has_index = facts["weights"]["index"] == "ok"
        return {**facts, "machines": machine_facts.of_this_machine(here, has_index, self._split)}


def _located(model: str | os.PathLike[str] | Resolved | Shape) -> tuple[Resolved, Shape | None]:
    """The folder of MODEL; of one that is on the hub its shape, which is asked for where MODEL is its name."""
    if isinstance(model, Resolved):
        return model, None
    if isinstance(model, str) and is_remote(model):
        from .hub import names, shape  # with an HTTP client, which is no part of any other answer

        model = shape.look(names.remote(model))
    return (resolve(model), None) if isinstance(model, str | os.PathLike) else (model.resolved, model)


def _facts_of(path: str, listing: Listing, machine: Host) -> dict[str, Any]:
    """The facts of a folder, with a place for each that is not its own."""
    of = this_machine.signs(machine.packages, machine.memory["accelerator"])
    kept = kept_facts.get(path, listing, of)
    if kept is not None:
        kept["model"]["snapshots_hold_weights"] = _snapshots_hold_weights(path, listing)
        return kept
    from pathlib import Path

    from .facts import folder_facts  # a folder whose facts are kept does without all that reads one

    facts = folder_facts.read(Path(path), listing, machine.memory)
    facts["model"]["snapshots_hold_weights"] = _snapshots_hold_weights(path, listing)
    if kept_facts.is_sound(facts):
        kept_facts.put(path, listing, of, facts)
    return facts


def _snapshots_hold_weights(path: str, listing: Listing) -> bool:
    # In the cache every snapshot of the repo counts; elsewhere two levels above is some other folder.
    beside = os.path.dirname(path)
    snapshots = f"{os.path.dirname(beside)}/snapshots"
    if beside == snapshots and any(map(folder.is_weights, listing.root or ())):
        return True
    return folder.holds_weights(snapshots)
