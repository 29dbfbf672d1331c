"""All that one server keeps: rules, models, what was decided; and its beginning and end."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ....loaders import BackendServer
from ...policy import Policy
from ...problems import UsageError
from ..default_request import EACH
from ..machines.serving import Spread
from ..on_machines import refuse_policy_of_one_machine
from ..policies.policy_choice import Choice
from .asked.adapters import Adapters
from .asked.catalogue import Catalogue
from .asked.refusals import Refusal, blocked
from .asked.request_body import Asked
from .deciding import Decided, Decider
from .kept.current_policy import RuleFile, Rules, watch
from .kept.decision_log import DecisionLog, line_of, masked
from .kept.metrics import Metrics
from .loaded.models import Entry, Models, Start
from .settings import Settings

_RECENT = 100


class Server:
    """What the endpoints stand on."""

    def __init__(
        self, settings: Settings, choice: Choice, say: Callable[[str], None], spread: Spread | None = None
    ) -> None:
        """say: takes each line for whoever started the server. spread: the machines that answer, where it is several.

        Raises LoaderError, PolicyError and UsageError.
        """
        self.settings, self._say = settings, say
        self.rule_file = RuleFile(choice) if spread is None else RuleFile(choice, refuse_policy_of_one_machine)
        self.catalogue = Catalogue(settings.models, settings.only)
        for name in settings.pinned:
            try:
                self.catalogue.find(name)
            except Refusal as refusal:
                raise UsageError("bad-value", f"`--pin`: {refusal.message}", "pin an id of /v1/models") from None
        self.adapters = Adapters(settings.adapters)
        self.decider = Decider(self.catalogue, self.adapters, spread)
        self.models = Models(settings, self._of_a_model, spread and self._ranks(spread))
        self.metrics = Metrics(self)
        self.log = None if settings.log is None else DecisionLog(settings.log, self._say)
        self.recent: deque[dict[str, Any]] = deque(maxlen=_RECENT)  # the last decisions, as the page shows them
        self.gates: Counter[str] = Counter()
        self.is_ready = not settings.pinned
        self._ended = threading.Event()

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.rule_file.rules.policy

    def note(self, id: str, asked: Asked, decided: Decided, rules: Rules) -> None:
        """Count and log a decision."""
        decision = decided.decision
        self.metrics.decided(decided)
        self.gates[decision.gate or ""] += 1
        logged = self.keep(id, asked, decided, rules)
        kind = " and ".join(word for word, there in (("images", asked.images), ("audio", asked.audio)) if there)
        shown = {name: logged[name] for name in ("id", "time", "model", "decision", "milliseconds")}
        self.recent.appendleft(shown | {"kind": kind or "text"})
        if decision.decision == "warn":
            self._say(f"warning: {decision.message} ({id})")

    def keep(self, id: str, asked: Asked, decided: Decided, rules: Rules) -> dict[str, Any]:
        """Log a decision, also one beside others, which is no request's of its own; return what is `logged` of it."""
        line = line_of(id, asked, decided, rules, self.settings.log_prompts)
        if self.log is not None:
            self.log.write(masked(line, self.settings.masked))
        return line["logged"]

    def _ranks(self, spread: Spread) -> Start:
        async def start(entry: Entry) -> BackendServer:
            kept_tokens, seconds = entry.tokens, self.settings.load_seconds
            word = self.catalogue.word(entry.name)
            return await spread.start(word, entry.longest, kept_tokens, entry.job, seconds)

        return start

    def _of_a_model(self, what: str, entry: Entry) -> None:
        self.metrics.of_a_model(what, entry)
        words = {"load": "loaded", "failed": "could not load", "evict": "gave up", "died": "lost, its process ended:"}
        self._say(f"{words[what]} {entry.name} ({entry.job.backend})")

    @asynccontextmanager
    async def running(self, _: Any = None) -> AsyncGenerator[None]:
        """While open, the rule file is watched, idle models go, and what is pinned is loaded."""
        thread = threading.Thread(target=watch, args=(self.rule_file, self._say, self._ended), daemon=True)
        thread.start()
        tasks = [asyncio.create_task(self.models.give_up_idle()), asyncio.create_task(self._pin())]
        try:
            yield
        finally:
            self._ended.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.models.end()
            if self.log is not None:
                self.log.close()

    async def _pin(self) -> None:
        for name in self.settings.pinned:
            try:
                async with self.models.using(name, await self._first(name), self.policy):
                    pass
            except Refusal as refusal:
                self._say(f"`{name}` is to be pinned, and cannot be loaded: {refusal.message}")
                return
        self.is_ready = True

    async def _first(self, name: str) -> Decided:
        """Return the decision for the first of text, images and audio that a model is allowed for. Raises Refusal."""
        found, told = self.catalogue.find(name), list[Decided]()
        for images, audio in EACH:
            told.append(await self.decider.decide(found, Asked(name, images=images, audio=audio), self.policy))
            if told[-1].decision.allowed:
                return told[-1]
        raise blocked(told[0].decision)
