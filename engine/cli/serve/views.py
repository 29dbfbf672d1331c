"""What the server tells of itself: whether it lives, its policy, its models, and a decision without a load."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ...facts.assignments import override
from ...policy import Policy
from ...problems import PolicyError, UsageError
from .asked import request_body
from .asked.refusals import Refusal
from .asked.request_body import Asked, json_of
from .endpoints import body_of, guarded
from .loaded.needs import Needs
from .page import content_policy, page
from .server import Server
from .settings import DEFAULT_TOKENS

_MAX_TRIED = 200  # models that a rule file is tried against


class Views:
    """The endpoints beside OpenAI's."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[Route]:
        """Return their routes."""
        return [
            Route("/", self.page),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/metrics", self.metrics),
            Route("/policy", self.policy),
            Route("/policy/decide", guarded(self.decide), methods=["POST"]),
            Route("/policy/try", guarded(self.tried), methods=["POST"]),
            Route("/status", guarded(self.status)),
        ]

    async def live(self, request: Request) -> Response:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Whether what is pinned is loaded."""
        ready = self._server.is_ready
        return JSONResponse({"status": "ok" if ready else "loading"}, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """All counters."""
        return Response(self._server.metrics.text(), media_type="text/plain; version=0.0.4")

    async def policy(self, request: Request) -> Response:
        """The policy in force, and what is wrong with a changed one that was not taken."""
        file = self._server.rule_file
        wrong = None if file.failed is None else {"at": file.failed.at, "problems": list(file.failed.problems)}
        told = {"reloads": file.reloads, "reload_failures": file.failures, "not_taken": wrong}
        return JSONResponse({**file.rules.to_dict(), **told})

    async def page(self, request: Request) -> Response:
        """All of it, for people."""
        return HTMLResponse(page(), headers={"Content-Security-Policy": content_policy()})

    async def status(self, request: Request) -> Response:
        """Models with their decisions, what is loaded, the last decisions, and how often each gate decided."""
        server = self._server
        ids = list(server.catalogue.all())[:_MAX_TRIED]
        return JSONResponse(
            {
                "policy": server.rule_file.rules.to_dict(),
                # At once, so that a backend that has to be asked of several is started once.
                "models": await asyncio.gather(*(self._row(id, server.policy) for id in ids)),
                "resident": [entry.to_dict() for entry in server.models.entries],
                "recent": list(server.recent),
                "gates": server.gates,
                "adapters": server.adapters.ids(),
            }
        )

    async def decide(self, request: Request) -> Response:
        """The decision for `facts`, or for a `model` and a request; nothing is loaded.

        The body has `facts`, as `probe` prints them; or `model` with `images`, `audio`, `context_tokens`, `adapters`,
        `draft_model`, or with the `messages` or `prompt` of a request. `set` holds FACT=VALUE texts, as --set takes
        them; `trace` asks for the derived facts and gates.
        """
        body = json_of(await body_of(request))
        policy = self._server.policy
        facts = body.get("facts")
        if facts is None:
            asked = _asked(body)
            facts = (await self._server.decider.decide(self._server.catalogue.find(asked.model), asked, policy)).facts
        elif not isinstance(facts, dict):
            raise Refusal(400, "invalid_value", "`facts`: an object as `mlxk-rules probe` prints it is wanted", "facts")
        words = body.get("set") or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words) or len(words) > 100:
            raise Refusal(
                400, "invalid_value", "`set`: a list of texts such as memory.total_bytes=8GB is wanted", "set"
            )
        try:
            facts = override(facts, words, policy.derived_types)
        except UsageError as error:
            raise Refusal(400, error.code, f"{error.message}; {error.help}", "set") from None
        found: dict[str, Any] = {"decision": policy.decide(facts).to_dict()}
        if body.get("trace"):
            plain = policy.explain(facts).to_dict()
            found |= {name: plain[name] for name in ("derived", "gates", "capabilities")}
        return JSONResponse(found)

    async def tried(self, request: Request) -> Response:
        """What a rule file that is not saved yet would decide of the models here, beside today's decisions."""
        text = json_of(await body_of(request)).get("text")
        if not isinstance(text, str):
            raise Refusal(400, "invalid_value", "`text`: a rule file is wanted", "text")
        try:
            policy = await asyncio.to_thread(Policy.from_text, text, "the field")
        except PolicyError as error:
            return JSONResponse({"valid": False, "problems": [str(problem) for problem in error.problems]})
        ids = list(self._server.catalogue.all())[:_MAX_TRIED]
        rows = [
            {"model": id, "now": await self._row(id, self._server.policy), "then": await self._row(id, policy)}
            for id in ids
        ]
        return JSONResponse({"valid": True, "models": rows})

    async def _row(self, id: str, policy: Policy) -> dict[str, Any]:
        try:
            decided = await self._server.decider.decide(self._server.catalogue.find(id), Asked(id), policy)
        except Refusal as refusal:
            return {"model": id, "error": refusal.message}
        needed = policy.explain(decided.facts, terms=False).derived.get("needed_bytes")
        memory = decided.facts["memory"]
        sizes = {name: memory[name] for name in ("total_bytes", "recommended_bytes")}
        fits = None
        if decided.decision.allowed:
            others = [one.resident for one in self._server.models.entries if one.name != id]
            fits = Needs(policy, decided).fits(others)
        found = {"model": id, "decision": decided.decision.to_dict(), "needed_bytes": needed, **sizes}
        return {**found, "fits_beside_loaded": fits}


def _asked(body: dict[str, Any]) -> Asked:
    if "messages" in body:
        return request_body.chat(body)
    if "prompt" in body:
        return request_body.completion(body)
    model, tokens = body.get("model"), body.get("context_tokens")
    if not isinstance(model, str):
        raise Refusal(400, "invalid_value", "`facts` or `model` is wanted", "model")
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
        raise Refusal(400, "invalid_value", "`context_tokens`: a whole number of 1 or more is wanted", "context_tokens")
    adapter, draft_model = request_body.beside_of(body)
    return Asked(
        model,
        images=bool(body.get("images")),
        audio=bool(body.get("audio")),
        tokens=tokens or DEFAULT_TOKENS,
        adapter=adapter,
        draft_model=draft_model,
    )
