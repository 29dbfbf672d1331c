"""The endpoints: each request read, decided, given on, and answered; whatever happens, in OpenAI's shape."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .asked import request_body
from .asked.refusals import Refusal, blocked
from .asked.request_body import Asked, json_of
from .deciding import Decided
from .loaded.relay import KEEP_ALIVE, answer, event, whole
from .server import Server
from .settings import BODY_SECONDS, MAX_BODY

_EARLY_SECONDS = 3.0  # a load that takes longer is answered by signs of life, and then by an event where it fails
_FORM_PARTS = 20


class Endpoints:
    """The endpoints of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[Route]:
        """Return the routes of OpenAI's API."""
        return [
            Route("/v1/models", guarded(self.models)),
            Route("/v1/models/{id:path}", guarded(self.model)),
            Route("/v1/chat/completions", guarded(self.chat), methods=["POST"]),
            Route("/v1/completions", guarded(self.completion), methods=["POST"]),
            Route("/v1/audio/transcriptions", guarded(self.transcription), methods=["POST"]),
        ]

    async def models(self, request: Request) -> Response:
        """Every id that may be asked for."""
        return JSONResponse({"object": "list", "data": [_model(id) for id in self._server.catalogue.all()]})

    async def model(self, request: Request) -> Response:
        """One of them."""
        id = request.path_params["id"]
        self._server.catalogue.find(id)
        return JSONResponse(_model(id))

    async def chat(self, request: Request) -> Response:
        """A chat's next message."""
        return await self._answered(request, request_body.chat(json_of(await body_of(request))))

    async def completion(self, request: Request) -> Response:
        """A text gone on with."""
        return await self._answered(request, request_body.completion(json_of(await body_of(request))))

    async def transcription(self, request: Request) -> Response:
        """What is said in a recording."""
        body = await body_of(request)

        async def whole_body() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        fields: dict[str, Any] = {}
        recording = b""
        try:
            async with Request(request.scope, whole_body).form(max_files=1, max_fields=_FORM_PARTS) as form:
                for name, value in form.items():
                    if isinstance(value, str):
                        fields[name] = value
                    elif name == "file":
                        recording = await value.read()
        except Exception as error:  # a parser's own, and Starlette's HTTPException of it
            raise Refusal(400, "invalid_form", f"the form cannot be read: {error!s:.100}") from None
        kind = fields.get("response_format") or "json"
        if kind not in ("json", "text", "verbose_json"):
            raise Refusal(
                400, "invalid_value", f"`response_format` is `{kind[:40]}`: json or text is wanted", "response_format"
            )
        asked = request_body.transcription(fields.get("model"), recording, fields)
        found = await self._whole(request, asked, await self._decided(request, asked))
        text = found["choices"][0]["message"]["content"] or ""
        if kind == "text":
            return Response(text, media_type="text/plain", headers=request.state.told)
        return JSONResponse({"text": text}, headers=request.state.told)

    async def _answered(self, request: Request, asked: Asked) -> Response:
        decided = await self._decided(request, asked)
        if asked.endpoint == "/v1/completions" and decided.decision.backend != "mlx_lm":
            raise Refusal(
                400, "unsupported_endpoint", f"`{asked.model}` answers at /v1/chat/completions alone", "model"
            )
        if asked.stream:
            return await self._streamed(request, asked, decided)
        return JSONResponse(await self._whole(request, asked, decided), headers=request.state.told)

    async def _decided(self, request: Request, asked: Asked) -> Decided:
        """Return the decision for a request, noted in the log, and `told` in the headers of whatever is answered.

        Raises Refusal where it is a no.
        """
        server = self._server
        found = server.catalogue.find(asked.model)
        rules = server.rule_file.rules
        decided = await server.decider.decide(found, asked, rules.policy)
        server.note(request.state.id, asked, decided, rules)
        request.state.told = _told(asked, decided)
        if not decided.decision.allowed:
            raise blocked(decided.decision)
        return decided

    async def _chunks(self, id: str, asked: Asked, decided: Decided) -> AsyncGenerator[dict[str, Any] | None]:
        """The chunks of an answer, from the load on. Raises Refusal.

        Where the model's process dies before anything of the answer was given away, another is asked, once.
        """
        first = True
        try:
            async with aclosing(self._once(id, asked, decided)) as chunks:
                async for chunk in chunks:
                    first = first and chunk is None
                    yield chunk
        except Refusal as refusal:
            if refusal.code != "worker_died" or not first:
                raise
            async with aclosing(self._once(id, asked, decided)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _once(self, id: str, asked: Asked, decided: Decided) -> AsyncGenerator[dict[str, Any] | None]:
        rules = self._server.rule_file.rules

        def note(beside: Decided) -> None:
            self._server.keep(id, asked, beside, rules)

        using = self._server.models.using(asked.model, decided, rules.policy, note)
        async with using as backend, answer(backend, asked) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _whole(self, request: Request, asked: Asked, decided: Decided) -> dict[str, Any]:
        """Return the answer in one piece; where the client goes away meanwhile, it is not made to its end."""

        async def work() -> dict[str, Any]:
            async with aclosing(self._chunks(request.state.id, asked, decided)) as chunks:
                return await whole(chunks)

        made, gone = asyncio.create_task(work()), asyncio.create_task(_gone(request))
        try:
            await asyncio.wait((made, gone), return_when=asyncio.FIRST_COMPLETED)
            if not made.done():
                raise Refusal(499, "client_gone", "the client went away")
            return made.result()
        finally:
            for task in (made, gone):
                task.cancel()
            await asyncio.gather(made, gone, return_exceptions=True)

    async def _streamed(self, request: Request, asked: Asked, decided: Decided) -> Response:
        """Return the answer as it comes. What fails soon is an HTTP status; what fails later is an event."""
        chunks = self._chunks(request.state.id, asked, decided)
        first = asyncio.create_task(anext(chunks, None))
        try:
            await asyncio.wait((first,), timeout=_EARLY_SECONDS)
            if first.done():
                first.result()  # a refusal is raised here
        except BaseException:
            await chunks.aclose()
            raise
        headers = {**request.state.told, "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(asked, chunks, first), media_type="text/event-stream", headers=headers)


async def _events(asked: Asked, chunks: Any, first: asyncio.Task[Any]) -> AsyncGenerator[str]:
    """The events of an answer's stream: chunks, signs of life, and an error or [DONE] as its end."""
    try:
        while not first.done():
            yield KEEP_ALIVE
            await asyncio.wait((first,), timeout=_EARLY_SECONDS)
        chunk = first.result()
        while True:
            if chunk is None:
                yield KEEP_ALIVE
            elif chunk.get("choices") or asked.wants_usage:
                yield event(chunk)
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                break
        yield "data: [DONE]\n\n"
    except Refusal as refusal:
        yield event(refusal.body())
    except Exception as error:  # a stream that only stopped would seem finished to some
        yield event(bug(error).body())
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await chunks.aclose()


def _told(asked: Asked, decided: Decided) -> dict[str, str]:
    """Return the headers that tell of a decision: what it was, and what it warns of."""
    decision = decided.decision
    told = {"X-MLXK-Decision": f"{decision.decision}; backend={decision.backend}; gate={decision.gate}"}
    if decision.decision == "warn":
        told["X-MLXK-Warning"] = _header(decision.message or decision.error_type or "")
    if asked.ignored:
        told["X-MLXK-Ignored"] = _header(", ".join(asked.ignored))
    return told


def _header(text: str) -> str:
    """Return a text as a header may hold it: ASCII, on one line, and short."""
    return "".join(c if 32 <= ord(c) < 127 else "?" for c in text)[:500]


def _model(id: str) -> dict[str, Any]:
    return {"id": id, "object": "model", "created": 0, "owned_by": "mlxk-rules"}


def guarded(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint whose refusals are OpenAI's error objects."""

    async def endpoint(request: Request) -> Response:
        try:
            return await work(request)
        except Refusal as refusal:
            headers = {**getattr(request.state, "told", {}), **refusal.headers()}
            return JSONResponse(refusal.body(), refusal.status, headers)

    return endpoint


async def body_of(request: Request) -> bytes:
    """Return a request's body. Raises Refusal where it is too long, or comes too slowly."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_BODY:
        raise _too_long()
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > MAX_BODY:
                    raise _too_long()
                pieces.append(piece)
    except TimeoutError:
        raise Refusal(408, "too_slow", f"the body did not come within {BODY_SECONDS:g} seconds") from None
    return b"".join(pieces)


def _too_long() -> Refusal:
    return Refusal(413, "body_too_large", f"the body is longer than {MAX_BODY >> 20} MiB")


async def _gone(request: Request) -> None:
    """Return once the client went away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _not_found(request: Request, error: HTTPException) -> Response:
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    message = f"there is no {request.method} {request.url.path[:100]} here"
    return JSONResponse(Refusal(error.status_code, code, message).body(), error.status_code)


async def _bug(request: Request, error: Exception) -> Response:
    return JSONResponse(bug(error).body(), 500)


def bug(error: Exception) -> Refusal:
    """Return what is told of an error that nobody foresaw; nothing of its words, which may be a request's."""
    return Refusal(500, "bug", f"a bug: {type(error).__name__}; please report it")


def application(routes: list[Route], lifespan: Any) -> Starlette:
    """Return the ASGI application of these routes."""
    handlers: dict[Any, Any] = {HTTPException: _not_found, Exception: _bug}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
