"""The rows of `list`: those kept from before where nothing changed, the others found out, by all cores if many."""

from __future__ import annotations

import marshal
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...storage import cache_folder, kept_values
from ..default_request import REQUESTS, Request, first_allowed
from ..policies.policy_choice import Choice
from . import kept_rows, row_grounds
from .kept_rows import Kept

if TYPE_CHECKING:
    from ....loaders import Local
    from ...decision import Decision
    from ...policy import Policy
    from ..parallel import Workers

Row = dict[str, Any]

FIELDS = (
    "name",
    "revision",
    "path",
    "size_bytes",
    "request",
    "decision",
    "backend",
    "gate",
    "error_type",
    "reason",
    "rehearsed",
    "memory_ratio",
)

# So many models are listed sooner than another process is there.
_FEW = 8
_MANY = 64  # rows that wait at most for one before them


def rows(
    choice: Choice,
    models: Sequence[Local],
    requests: Sequence[Request],
    pause: Callable[[], object],
    dry_run: bool = False,
) -> Generator[Row]:
    """Return the rows of models, in the order of their names; `pause` is called before one that takes time.

    With `dry_run` the backends are asked of each model; without it what they said before is taken.

    Raises PolicyError, at once, where the policy does not load. Closed before its end, nothing of it is kept.
    """
    source = _Source(choice, models, requests, dry_run)
    name = f"{cache_folder.file_name(source.question.encode('utf-8', 'surrogatepass'))}.rows"
    reader = kept_rows.Reader(name, source.is_grounded)
    if not reader.believed:
        source.prepare()
    return _rows(source, name, reader, pause)


def _rows(source: _Source, name: str, reader: kept_rows.Reader, pause: Callable[[], object]) -> Generator[Row]:
    with source:
        yield from _found(source, name, reader, pause)


def _found(source: _Source, name: str, reader: kept_rows.Reader, pause: Callable[[], object]) -> Generator[Row]:
    kept = (reader.get(model.name, model.folder) for model in source.models)
    with kept_rows.Writer(name, reader, source.grounds) as writer:
        for one in _in_order(source, kept, pause):
            writer.add(one)
            yield dict(zip(FIELDS, one.row, strict=True))
        writer.finish()


def _in_order(source: _Source, kept: Iterable[Kept | None], pause: Callable[[], object]) -> Iterator[Kept]:
    """Yield every row in its place: kept ones and the first of the others at once, the rest as all cores tell them."""
    left = _FEW
    workers: Workers | None = None
    given: deque[list[Kept | int]] = deque()
    block: list[Kept | int] = []
    with ExitStack() as stack:
        for number, one in enumerate(kept):
            if one is not None and not block and not given:
                yield one
            elif source.dry_run:  # the backends have children of their own, which go from model to model
                pause()
                yield source.row(number) if one is None else one
            elif one is None and left:
                left -= 1
                pause()
                yield source.row(number)
            else:
                block.append(number if one is None else one)
                if len(block) == _MANY or sum(isinstance(item, int) for item in block) == _FEW:
                    if workers is None:
                        from ..parallel import Workers

                        workers = stack.enter_context(Workers(source.block))
                    pause()
                    given.append(block)
                    for result, _ in workers.results(_numbers(block), 0):
                        yield from _filled(given.popleft(), result)
                        pause()
                    block = []
        for result, _ in workers.rest() if workers is not None else ():
            pause()
            yield from _filled(given.popleft(), result)
        pause()
        for item in block:
            yield source.row(item) if isinstance(item, int) else item


def _numbers(block: list[Kept | int]) -> bytes:
    return marshal.dumps([item for item in block if isinstance(item, int)])


def _filled(block: list[Kept | int], result: bytes) -> Iterator[Kept]:
    found = iter(marshal.loads(result))
    for item in block:
        yield Kept(*next(found)) if isinstance(item, int) else item


class _Source:
    """Finds rows out, by number; whatever forks after one was found out shares what that looked up."""

    def __init__(
        self, choice: Choice, models: Sequence[Local], requests: Sequence[Request], dry_run: bool = False
    ) -> None:
        from ....loaders import last_kept, packages, standing
        from ...rulefile.policy_names import locate

        self.dry_run = dry_run
        self._workers: Any = None

        self.models = list(models)
        self._choice, self._requests = choice, requests
        self._packages = packages()
        several = isinstance(choice.source, tuple)  # laid over one another, which no file of them alone tells
        path, name = locate(None) if isinstance(choice.source, tuple) else locate(choice.source)
        name = choice.name if several else name
        # Every kind of question has a file of its own.
        places = sorted({os.path.dirname(model.folder) for model in models})
        self.question = repr((str(path.absolute()), name, list(requests), places, dry_run))
        # What a backend said since then, of any model, may be what a row would rest on now.
        code = kept_values.code(), kept_values.code_below(kept_values.ENGINE)
        self._rest = f"{self.question} {code} {standing(self._packages)} {0 if dry_run else last_kept()}"

    def __enter__(self) -> None:
        if self.dry_run:
            from ....loaders import Workers

            self._workers = Workers()

    def __exit__(self, *_: object) -> None:
        if self._workers is not None:
            self._workers.__exit__()

    def is_grounded(self, found: Any) -> bool:
        """Whether rows kept on these grounds would be decided alike now."""
        rest, files = found
        return rest == self._rest and kept_values.are_same(files)

    def grounds(self) -> Any:
        """Return what the rows rest on besides the models; None where that may change by itself, or is not known."""
        source = self._choice.source
        changing = ("memory.available_bytes", "runtime.today")
        if isinstance(source, tuple) or any(row_grounds.reads(self._policy, fact) for fact in changing):
            return None
        files = row_grounds.rule_files(source)
        return None if files is None else (self._rest, files)

    def prepare(self) -> None:
        """Load the policy. Raises PolicyError."""
        assert self._policy

    @cached_property
    def _policy(self) -> Policy:
        return self._choice.load()

    @cached_property
    def _machine(self) -> Any:
        from ....loaders import machine

        return machine(self._packages)

    def block(self, block: bytes, _: int) -> tuple[bytes, int]:
        """Return the rows whose numbers the block says."""
        return marshal.dumps([tuple(self.row(number)) for number in marshal.loads(block)]), 0

    def row(self, number: int) -> Kept:
        """Return one row."""
        from ....loaders import LoaderError, Probed, request_of, told_of
        from ....loaders.facts import kept_facts
        from ....loaders.resolving import stamp

        model = self.models[number]
        folder = model.folder
        row: Row = dict.fromkeys(FIELDS) | {"name": model.name, "backend": "unsupported"}
        piece = None
        try:
            taken = stamp.take(folder) if model.cached else None  # before anything of the folder is read
            found = model.resolved()
            probed = Probed.of(found, request_of(), machine=self._machine)
            request, decision, facts = self._first_allowed(probed)
            row |= {"revision": found.revision, "path": found.folder, "size_bytes": facts["model"]["size_bytes"]}
            row |= {"request": request, "decision": decision.decision, "backend": decision.backend}
            row |= {"gate": decision.gate, "error_type": decision.error_type, "reason": decision.message}
            row["rehearsed"] = _is_rehearsed(self._policy, decision, facts)
            row["memory_ratio"] = _memory_ratio(self._policy, facts)
            if (
                taken is not None
                and found.folder == f"{folder}/snapshots/{taken.snapshot}"
                and kept_facts.is_sound(facts)
            ):
                piece = kept_rows.piece_of(model.name, folder, taken, tuple(row.values()))
        except Exception as error:  # whatever one model makes happen, the others have their rows
            told = error if isinstance(error, LoaderError) else told_of(model.name, error)
            row |= {"error_type": told.code, "reason": told.message}
        return Kept(tuple(row.values()), piece)

    def _first_allowed(self, probed: Any) -> tuple[str, Decision, dict[str, Any]]:
        """Return the first request that is allowed, else the first, with its decision and facts."""
        from ....loaders import request_of

        def decided(request: Request) -> tuple[Decision, dict[str, Any]]:
            asking = probed.asking(request_of(*request))
            facts = asking.told(asking.facts())
            decision = self._policy.decide(facts)
            if self._workers is not None and asking.is_open and self._policy.rests_on(decision.gate, "dry_run"):
                facts = asking.rehearsed(facts, workers=self._workers)
                decision = self._policy.decide(facts)
            return decision, facts

        request, decision, facts = first_allowed(self._requests, decided)
        return REQUESTS[request], decision, facts


def _memory_ratio(policy: Policy, facts: dict[str, Any]) -> float | None:
    """Return what the model needs as a share of memory, as the policy derives it; None where it does not, or cannot."""
    if "memory_ratio" not in policy.evaluation.program.derive:
        return None
    scope, _ = policy.evaluation.scope(facts)
    found = scope["derived"].get("memory_ratio")
    return float(found) if found else None  # 0 stands for memory that cannot be told


def _is_rehearsed(policy: Policy, decision: Decision, facts: dict[str, Any]) -> bool:
    """Whether the decision rests on nothing that a backend could still say."""
    if not policy.rests_on(decision.gate, "dry_run"):
        return True
    told = facts["dry_run"]
    of = [decision.backend] if decision.backend in told else list(told)
    return any(told[backend]["status"] != "not_done" for backend in of)
