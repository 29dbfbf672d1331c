"""The program that is one rank: the job's words are decided here, on this machine, as `run` decides them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ...problems import PolicyError, UsageError
from ...report.memory_sum import memory_sum
from ..answers.answering import Options, request_of
from ..commands.common import choice_of, probed_of, with_backends
from ..on_machines import OnMachines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ....loaders import Session
    from ....loaders.machines.machine import Machine
    from ....loaders.ring.rank import Decided
    from ...decision import Trace
    from ...policy import Policy
    from ..policies.policy_choice import Choice

_PACKAGES = {"mlx_lm": "mlx-lm", "mlxk_rules": "mlxk-rules"}


def main() -> None:
    """Be a rank until the answer is there."""
    from ....loaders.ring import rank

    rank.main(decide)


def decide(job: Mapping[str, Any], machines: Sequence[Machine]) -> Decided:
    """Return what this one says of a job, knowing what each machine has; an error is something to tell, not raised."""
    from ....loaders import LoaderError
    from ....loaders.ring.rank import Decided

    try:
        return _decided(job, machines)
    except (LoaderError, UsageError) as error:
        told = {"code": error.code, "message": error.message, "help": error.help}
    except PolicyError as error:
        told = {"code": "bad-policy", "message": str(error), "help": "`mlxk-rules validate` shows where"}
    return Decided({"error": told})


def _decided(job: Mapping[str, Any], machines: Sequence[Machine]) -> Decided:
    from ....loaders import Session
    from ....loaders.ring.agreement import identity
    from ....loaders.ring.rank import Decided

    words = job["options"]
    choice = choice_of(words)
    policy = choice.load()
    facts, is_whole = _facts(job, machines, policy)
    trace = policy.explain(facts, terms=False)
    told: dict[str, Any] = {
        "decision": trace.decision.to_dict(),
        "warnings": [one.message for one in trace.warnings],
        **_memory(trace),
        "versions": {key: _version(name) for key, name in _PACKAGES.items()},
        "policy": {**trace.decision.policy, "files": _digest(choice)},
        "model": identity(facts) if is_whole else identity(facts) | {"bytes": None, "tensors": None},
        "split": facts["machines"]["split"] or job["split"],
    }
    folder = facts["model"]["path"]
    if not trace.decision.allowed:
        return Decided(told, folder)
    if trace.decision.backend != "mlx_lm":
        message = f"`{facts['model']['name']}` is loaded by {trace.decision.backend}, and only mlx-lm splits a model"
        error = {"code": "no_ring", "message": message, "help": "leave --hosts away"}
        return Decided({**told, "error": error}, folder)

    def session(opens: Callable[[Path], Any]) -> Session:
        return Session(facts, trace.decision, opens)

    if "serve" in job:
        return Decided(told, folder, told["split"], session)
    request = request_of(Options(**job["wanted"]), job["prompt"])

    def answer(made: Session) -> Iterator[str]:
        return made.answer(request)

    return Decided(told, folder, told["split"], session, answer)


def _facts(job: Mapping[str, Any], machines: Sequence[Machine], policy: Policy) -> tuple[dict[str, Any], bool]:
    """Return the facts, and whether the folder is whole: of a pipeline a rank needs but the files of its own layers."""
    from ....loaders.machines.hostfile import unpacked
    from ....loaders.ring.own_files import lacking

    words = job["options"]
    quick = bool(words.get("--quick"))
    found, _ = probed_of(words, policy)
    facts = found.pinned(found.facts())
    lacks = lacking(facts, job["rank"], len(machines)) if job["split"] == "pipeline" else None
    if lacks is not None:  # half a model has no dry run, and its share is held to be whole at the load
        facts["weights"]["mlx_lm"]["missing_shards"] = lacks
        quick = True
    with OnMachines(unpacked(job["hosts"]), machines, job["split"], quick) as hosts:
        return hosts.facts(found, with_backends(found, facts, quick, workers=hosts.workers)), lacks is None


def _memory(trace: Trace) -> dict[str, int | None]:
    memory = memory_sum(trace)
    return {"needed_bytes": memory and memory.needed, "total_bytes": memory and memory.total}


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digest(choice: Choice) -> str:
    """What tells the rule files that a person named from others; a shipped policy is told by its version."""
    from pathlib import Path

    digest = hashlib.sha256()
    for name in (choice.source, *choice.over):
        digest.update(Path(name).read_bytes() if name is not None and Path(name).is_file() else str(name).encode())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
