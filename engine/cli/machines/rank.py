"""The program that is one rank: the job's words are decided here, on this machine, as `run` decides them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ...problems import PolicyError, UsageError
from ...report.memory_sum import memory_sum
from ..answers.answering import Options, request_of
from ..commands.common import choice_of, probed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ....loaders import Session
    from ....loaders.machines.rank import Decided
    from ...decision import Trace
    from ..policies.policy_choice import Choice

_PACKAGES = {"mlx": "mlx", "mlx_lm": "mlx-lm", "mlxk_rules": "mlxk-rules"}


def main() -> None:
    """Be a rank until the answer is there."""
    from ....loaders.machines import rank

    rank.main(decide)


def decide(job: Mapping[str, Any]) -> Decided:
    """Return what this machine says of a job; an error is something to tell, and is not raised."""
    from ....loaders import LoaderError
    from ....loaders.machines.rank import Decided

    try:
        return _decided(job)
    except (LoaderError, UsageError) as error:
        told = {"code": error.code, "message": error.message, "help": error.help}
    except PolicyError as error:
        told = {"code": "bad-policy", "message": str(error), "help": "`mlxk-rules validate` shows where"}
    return Decided({"error": told})


def _decided(job: Mapping[str, Any]) -> Decided:
    from ....loaders import Session
    from ....loaders.machines.agreement import identity
    from ....loaders.machines.rank import Decided

    words, wanted = job["options"], Options(**job["wanted"])
    choice = choice_of(words)
    policy = choice.load()
    facts = probed(words, policy, to_load=True)
    trace = policy.explain(facts)
    told = {
        "decision": trace.decision.to_dict(),
        "warnings": [one.message for one in trace.warnings],
        **_memory(trace),
        "versions": {key: _version(name) for key, name in _PACKAGES.items()},
        "policy": {**trace.decision.policy, "files": _digest(choice)},
        "model": identity(facts),
    }
    if not trace.decision.allowed:
        return Decided(told, facts["model"]["path"])
    if trace.decision.backend != "mlx_lm":
        message = f"`{facts['model']['name']}` is loaded by {trace.decision.backend}, and only mlx-lm splits a model"
        error = {"code": "no_ring", "message": message, "help": "leave --hosts away"}
        return Decided({**told, "error": error}, facts["model"]["path"])
    request = request_of(wanted, job["prompt"])

    def session(opens: Callable[[Path], Any]) -> Session:
        return Session(facts, trace.decision, opens)

    def answer(made: Session) -> Iterator[str]:
        return made.answer(request)

    return Decided(told, facts["model"]["path"], session, answer)


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
