"""`serve --hosts`: what a model is decided by on several machines, and the ranks that answer for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....loaders import LoaderError
from ....loaders.ring import addresses, start_command
from ....loaders.ring.serving.ring_server import RingServer
from ..commands.common import has_hosts
from ..on_machines import OnMachines, not_passed_on, starting_port

if TYPE_CHECKING:
    from ....loaders import Job, Probed


class Spread:
    """The machines of a hostfile, for a server of this machine."""

    def __init__(self, on: OnMachines, options: dict[str, Any]) -> None:
        """Raises LoaderError no_ring where these hosts are none, or their first is another machine; UsageError."""
        hosts = on.hosts
        addresses.refuse_no_ring(hosts)
        if not hosts.hosts[0].is_local:
            message = f"the first host of `{hosts.path}` is `{hosts.hosts[0].ssh}`, and rank 0 answers here"
            raise LoaderError("no_ring", message, "let the list begin with this machine, which is 127.0.0.1")
        self._port = starting_port(options)
        addresses.of_ranks(hosts, self._port)  # which may be none that there is
        self._on, self._program = on, start_command.Program(f"{__package__}.rank", options["--python"])
        self._policy = options["--policy"]
        self.not_passed_on = not_passed_on(hosts)

    @classmethod
    def of(cls, options: dict[str, Any]) -> Spread | None:
        """Return what --hosts names, None where it is not given. Raises LoaderError and UsageError."""
        return cls(OnMachines.of(options), options) if has_hosts(options) else None

    def told(self, found: Probed, facts: dict[str, Any]) -> dict[str, Any]:
        """Return a folder's facts with what the backends say of it, and what each machine would hold.

        It may take seconds, and is for one thread at a time.
        """
        with self._on as on:
            return on.facts(found, found.rehearsed(facts, workers=on.workers))

    async def start(self, word: str, tokens: int | None, kept_tokens: int, job: Job, seconds: float) -> RingServer:
        """Start ranks that serve a model, and wait until all have loaded their share.

        word: what each machine knows the model by. tokens: of the longest request so far, where that is more than the
        policy reckons with. kept_tokens: how many of prompts are kept. Raises LoaderError as RingServer.of does.
        """
        hosts = self._on.hosts
        words: dict[str, Any] = {"MODEL": word, "--image": [], "--audio": [], "--image-size": None, "--server": True}
        words |= {"--context": None if tokens is None else str(tokens), "--policy": self._policy}
        serve = {"parallel": job.parallel, "kept_tokens": kept_tokens}
        at = addresses.of_ranks(hosts, self._port)
        wanted = {"options": words, "hosts": hosts, "split": self._on.wanted, "ring": at, "serve": serve}
        jobs = [{**wanted, "rank": rank} for rank in range(len(hosts.hosts))]
        return await RingServer.of(hosts, self._program, jobs, job, seconds)
