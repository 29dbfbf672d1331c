"""`run --hosts`: the ranks are started, each decides on its machine, and they answer together or not at all."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

from ...facts.wording import BACKENDS
from ...problems import UsageError
from ...report.terminal import safe, style_for
from ..answers.answering import Options, tell_ending
from ..commands.common import print_json
from ..on_machines import not_passed_on, refuse_other_split, starting_port
from ..waiting import waiting

if TYPE_CHECKING:
    from ....loaders.machines.hostfile import Hosts
    from ....loaders.ring.agreement import Refusal
    from ....loaders.ring.ranks import Ranks

_OVER_MEMORY = "insufficient_memory"
_NOT_HERE = ("--image", "--audio", "--language")


def run_on_hosts(options: dict[str, Any], asked: Options, prompt: str) -> int:
    """Answer by the hosts of a hostfile. Return 0 if it ran, 1 if it was refused, not wanted, or a rank failed.

    Raises LoaderError and UsageError for what keeps the ranks from deciding at all.
    """
    from ....loaders.machines import hostfile
    from ....loaders.ring import addresses, start_command
    from ....loaders.ring.joining import joined
    from ....loaders.ring.ranks import Ranks

    for name in _NOT_HERE:
        if options[name]:
            raise UsageError("usage", f"`{name}` does not go with --hosts", "only text is answered by several machines")
    refuse_other_split(options["--split"])
    port = starting_port(options)
    hosts = hostfile.read(options["--hosts"])
    addresses.refuse_no_ring(hosts)
    style = style_for(sys.stderr)
    for line in not_passed_on(hosts):
        print(f"{style('observed', 'dim')}: {safe(line)}", file=sys.stderr)
    program = start_command.Program(f"{__package__}.rank", options["--python"])
    with Ranks(hosts, program, _jobs(options, asked, prompt, hosts, addresses.of_ranks(hosts, port))) as ranks:
        with waiting(f"{len(hosts.hosts)} ranks look at the model"):
            told = joined(ranks)
        return _Answer(ranks, options, asked, told).given()


def _jobs(
    options: dict[str, Any], asked: Options, prompt: str, hosts: Hosts, ring: list[list[str]]
) -> list[dict[str, Any]]:
    seed = asked.seed
    if seed is None and asked.temperature > 0:  # each rank draws the same token of the same chances
        seed = secrets.randbits(32)
    wanted = {**asked._asdict(), "images": (), "audio": (), "seed": seed}
    job = {"options": options, "wanted": wanted, "prompt": prompt}
    job |= {"hosts": hosts, "split": options["--split"], "ring": ring}
    return [{**job, "rank": rank} for rank in range(len(hosts.hosts))]


class _Answer:
    """What comes of ranks that have told one another what they decided."""

    def __init__(self, ranks: Ranks, options: dict[str, Any], asked: Options, told: list[dict[str, Any]]) -> None:
        self._ranks, self._options, self._asked, self._told = ranks, options, asked, told
        from ....loaders.ring.agreement import refusal

        self._refusal = refusal(told)  # as each rank found it, of the same
        self._style, self._show = style_for(sys.stderr), not options["--json"]
        self._text = ""

    def given(self) -> int:
        """Print the answer, or why there is none; the exit code. Raises LoaderError where a rank could not decide."""
        from ....loaders import LoaderError
        from ....loaders.ring.agreement import RankRefused

        if (refused := self._refusal) is not None:
            self._ranks.tell({"go": "end"})
            self._ranks.leave()
            if refused.decision is None:
                raise RankRefused(refused, self._ranks.name(refused.rank))
            self._blocked(refused)
            self._json(refused.decision, None)
            return 1
        self._warn()
        if not self._wanted():
            return 1
        decision = self._told[0]["decision"]
        try:
            report = self._streamed()
        except LoaderError as error:
            if not self._show:
                self._json(decision, {"code": error.code, "message": error.message, "help": error.help or ""})
            else:
                advice = f"; {safe(error.help)}" if error.help else ""
                code = self._style(f"error[{error.code}]", "red", "bold")
                print(f"{code}: {safe(error.message)}{advice}", file=sys.stderr)
            return 1
        if self._show:
            tell_ending(report, self._asked, self._text, decision["backend"])
        else:
            self._json(decision, None, report._asdict())
        return 0

    def _streamed(self) -> Any:
        from ....loaders import Report

        self._ranks.tell({"go": "load"})
        found: Any = None
        try:
            with waiting(f"loading with {BACKENDS['mlx_lm']} on {len(self._told)} ranks") as doing:
                event = self._next_of_rank_0(("loaded",))
                doing("reads")
                event = self._next_of_rank_0(("text", "end"))
            while event.what == "text":
                piece = str(event.value)
                self._text += piece
                if self._show:
                    print(safe(piece, keep="\n\t"), end="", flush=True)
                event = self._next_of_rank_0(("text", "end"))
            found = Report(**event.value)
            self._ranks.leave()
        finally:
            if self._show and self._text:
                print(flush=True)
        return found

    def _next_of_rank_0(self, names: tuple[str, ...]) -> Any:
        while (event := self._ranks.next()) is not None:
            if event.rank == 0 and event.what in names:
                return event
        raise AssertionError("rank 0 ended without a word, which is an error of its own")

    def _blocked(self, refused: Refusal) -> None:
        if self._show:
            code = self._style(f"blocked[{refused.code}]", "red", "bold")
            who = "every rank" if refused.by_all else self._ranks.name(refused.rank)
            by = f"gate {(refused.decision or {}).get('gate')}; `mlxk-rules explain --hosts` tells more"
            print(f"{code}: {safe(f'{who}: {refused.message}')} ({safe(by)})", file=sys.stderr)

    def _warn(self) -> None:
        if not self._show:
            return
        of: dict[str, list[int]] = {}
        for rank, one in enumerate(self._told):
            for message in one["warnings"]:
                of.setdefault(str(message), []).append(rank)
        for message, ranks in of.items():
            who = "every rank" if len(ranks) == len(self._told) else ", ".join(map(self._ranks.name, ranks))
            print(f"{self._style('warning', 'yellow', 'bold')}: {safe(f'{who}: {message}')}", file=sys.stderr)

    def _wanted(self) -> bool:
        """Whether to go on: a person at a terminal is asked where a rank needs more memory than may be used."""
        over = any(one["decision"]["error_type"] == _OVER_MEMORY for one in self._told)
        if not over or self._options["--yes"] or not self._show or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return True
        print("Load it all the same (--yes does not ask)? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return True
        print("not loaded", file=sys.stderr)
        return False

    def _json(
        self, decision: dict[str, Any], error: dict[str, str] | None, report: dict[str, Any] | None = None
    ) -> None:
        if not self._show:
            figures = dict(report or {})
            ending = figures.pop("ending", None)
            text = self._text if report is not None else None
            stats = figures if report is not None else None
            print_json({"decision": decision, "text": text, "error": error, "ending": ending, "stats": stats})
