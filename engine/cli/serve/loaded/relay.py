"""A backend's answer as its server streams it: held to its end, and put together where no stream was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from .....loaders import BackendServer
from ..asked.refusals import Refusal
from ..asked.request_body import Asked

KEEP_ALIVE = ": keep-alive\n\n"
_MAX_ERROR = 500  # characters of a backend's words


@asynccontextmanager
async def answer(server: BackendServer, asked: Asked) -> AsyncGenerator[AsyncIterator[dict[str, Any] | None]]:
    """Give an answer's chunks, None for a sign of life. Raises Refusal, also in their midst, where it does not end.

    Leaving it closes the connection, by which the backend stops.
    """
    # mlx-lm's server is not told a model: its own default is the one that it was started with, adapter included; named
    # by its folder, the model would be loaded anew without.
    known = {} if server.job.backend == "mlx_lm" else {"model": server.folder}
    body = {**asked.body, **known, "stream": True, "stream_options": {"include_usage": True}}
    try:
        async with server.client.stream("POST", asked.endpoint, json=body) as response:
            if response.status_code != 200:
                raise _refused(response.status_code, await response.aread(), server, asked)
            yield _chunks(response, server, asked)
    except httpx2.HTTPError:
        raise _died(server) from None
    except RuntimeError:  # the client of a child that died is closed, whoever was about to ask it
        if server.is_alive:
            raise
        raise _died(server) from None


async def _chunks(response: Any, server: BackendServer, asked: Asked) -> AsyncGenerator[dict[str, Any] | None]:
    async for line in response.aiter_lines():
        if line.startswith(":"):
            yield None
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        chunk = json.loads(data)
        if "error" in chunk:
            raise Refusal(502, "backend_failed", _words(chunk["error"], server, asked))
        chunk["model"] = asked.model
        yield chunk
    # mlx-lm closes the connection as at the end of an answer, whatever went wrong.
    raise _died(server)


async def whole(chunks: AsyncIterator[dict[str, Any] | None]) -> dict[str, Any]:
    """Return an answer in one piece, as OpenAI's API has it, of the chunks of its stream."""
    head: dict[str, Any] = {}
    usage: dict[str, Any] | None = None
    reason: str | None = None
    calls: dict[int, dict[str, Any]] = {}
    pieces: dict[str, list[str]] = {}
    async for chunk in chunks:
        if chunk is None:
            continue
        head = head or chunk
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            reason = choice.get("finish_reason") or reason
            delta = {"text": choice["text"]} if "text" in choice else choice.get("delta") or {}
            for name, value in delta.items():
                if name == "tool_calls":
                    for place, call in enumerate(value or ()):
                        _join(calls.setdefault(call.get("index", place), {}), call)
                elif isinstance(value, str) and name != "role":
                    pieces.setdefault(name, []).append(value)
    texts = {name: "".join(parts) for name, parts in pieces.items()}
    found: dict[str, Any] = {"index": 0, "finish_reason": reason, "logprobs": None}
    if head.get("object") == "text_completion":
        found["text"] = texts.get("text", "")
    else:
        message: dict[str, Any] = {"role": "assistant", "content": None if calls else "", **texts}
        if calls:
            message["tool_calls"] = [calls[place] for place in sorted(calls)]
        found["message"] = message
    kept = {name: head[name] for name in ("id", "created", "model", "system_fingerprint") if name in head}
    kind = "text_completion" if "text" in found else "chat.completion"
    return {**kept, "object": kind, "choices": [found], **({"usage": usage} if usage else {})}


def _join(call: dict[str, Any], more: dict[str, Any]) -> None:
    """Add a piece of a tool call: its arguments come in many."""
    for name, value in more.items():
        if isinstance(value, dict):
            _join(call.setdefault(name, {}), value)
        elif name == "arguments":
            call[name] = call.get(name, "") + (value or "")
        elif name != "index" and value is not None:
            call[name] = value


def event(value: Any) -> str:
    """Return a server-sent event."""
    return f"data: {json.dumps(value)}\n\n"


def _refused(status: int, body: bytes, server: BackendServer, asked: Asked) -> Refusal:
    try:
        told = json.loads(body)
    except ValueError:
        told = body.decode("utf-8", "replace")
    if isinstance(told, dict):
        told = told.get("error") or told.get("detail") or told
    of_request = status in (400, 413, 422)  # mlx-lm says 404 of everything else
    code = "backend_refused" if of_request else "backend_failed"
    return Refusal(400 if of_request else 502, code, _words(told, server, asked))


def _words(told: Any, server: BackendServer, asked: Asked) -> str:
    """Return what a backend says, in one line, with the model's id in place of its folder."""
    if isinstance(told, dict):
        told = told.get("message") or told
    text = told if isinstance(told, str) else json.dumps(told)
    said = " ".join(text.replace(server.folder, asked.model).split())[:_MAX_ERROR]
    return f"the backend of `{asked.model}` says: {''.join(c for c in said if c.isprintable())}"


def _died(server: BackendServer) -> Refusal:
    return Refusal(502, "worker_died", "the answer broke off: the model's process ended, or failed", retry_after=1)
