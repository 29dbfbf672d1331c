"""The facts of a model on the machines of a hostfile, as the words of a command line name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..problems import UsageError
from .commands.common import number_of
from .waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ...loaders import Probed
    from ...loaders.machines.hostfile import Hosts
    from ...loaders.machines.machine import Machine
    from ..policy import Policy

_ASKING = "asking the machines what they have (--machines FILE does without)"
_WAITING = "asking mlx-lm how it splits the model (--quick does without)"


def refuse_other_split(wanted: str | None) -> None:
    """Raise UsageError where --split names no way to share a model."""
    from ...loaders.machines.machine_facts import SPLITS

    if wanted is not None and wanted not in SPLITS:
        message = f"`--split` is `{wanted[:40]}`, one of {', '.join(SPLITS)} is wanted"
        raise UsageError("bad-value", message, "write --split tensor")


def starting_port(options: dict[str, Any]) -> int | None:
    """Return the first of the ring's ports, None where it is not given. Raises UsageError."""
    return None if options["--starting-port"] is None else number_of(options, "--starting-port", int, least=1)


def not_passed_on(hosts: Hosts) -> list[str]:
    """Return a line for each variable of the hostfile that no rank gets."""
    from ...loaders.ring.start_command import settable

    why = "is not passed on: only MLX's own switches and HF_HOME are"
    return [f"the hostfile's variable `{name}` {why}" for name in settable(hosts)[1]]


def refuse_policy_of_one_machine(policy: Policy) -> None:
    """Raise UsageError where no gate reads what machines would hold: such a policy allows what would answer wrongly."""
    if not policy.rests_on(None, "machines"):
        message = f"the policy `{policy.name} {policy.version}` has no rule for several machines"
        raise UsageError("policy-of-one-machine", message, "take today's, or one that extends it")


class OnMachines:
    """A hostfile, and what each of its machines has."""

    def __init__(self, hosts: Hosts, machines: Sequence[Machine], wanted: str | None, quick: bool) -> None:
        self.hosts, self.wanted = hosts, wanted
        self._machines, self._quick = machines, quick
        self._forget()

    def _forget(self) -> None:
        from ...loaders import Workers

        self.workers = Workers()  # the library is imported once, whatever it is asked
        self._answers: dict[tuple[Probed, tuple[int, ...]], dict[str, Any]] = {}

    @classmethod
    def of(cls, options: dict[str, Any]) -> OnMachines:
        """Return what --hosts names. Raises LoaderError and UsageError."""
        wanted = options["--split"]
        from ...loaders import machine
        from ...loaders.machines.hostfile import read
        from ...loaders.machines.machines_file import beside, machines_of

        refuse_other_split(wanted)
        hosts = read(options["--hosts"])
        file = options["--machines"] or beside(options["--hosts"])
        quick = bool(options.get("--quick"))
        asked: dict[str, Machine] = {}
        if file is None and not quick:
            from ...loaders.ring.ask_machines import ask

            with waiting(_ASKING):
                asked = ask(hosts, options["--python"])
        return cls(hosts, machines_of(hosts, file, machine(), asked), wanted, quick)

    def __enter__(self) -> OnMachines:
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.end()
        self._forget()  # a server asks again, of another model

    def facts(self, found: Probed, facts: dict[str, Any], others: bool = False) -> dict[str, Any]:
        """Return the facts with those of the machines. others: with what other counts of them would come to."""
        from ...loaders.machines.machine_facts import of_hosts
        from ...loaders.machines.one_machine import COUNTS

        count = len(self.hosts.hosts)
        if count < 2:
            return facts
        has_index = facts["weights"]["index"] == "ok"
        own = self._answer(found, facts, (count,))
        more = self._answer(found, facts, COUNTS) if others else None
        return {**facts, "machines": of_hosts(self.hosts, self._machines, self.wanted, has_index, own, more)}

    def _answer(self, found: Probed, facts: dict[str, Any], ranks: tuple[int, ...]) -> dict[str, Any]:
        """Return what mlx-lm says of so many ranks; of a folder as it was looked at it is asked once."""
        from ...loaders.machines.machine import accelerator_of

        if self._quick:
            return {"status": "not_done", "reason": "mlx-lm was not asked (--quick)"}
        if (found, ranks) not in self._answers:
            with waiting(_WAITING):  # which is shown after a while
                answer = found.split(facts, ranks, accelerator_of(self._machines), self.workers)
            self._answers[found, ranks] = answer
        return self._answers[found, ranks]
