"""What every request passes first: who may ask, from where, how many at once; and it gets a number."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from ..settings import LOCAL, MAX_OPEN, RETRY_SECONDS, Settings
from .refusals import Refusal

# What tells nothing of this machine, and what a page asks before a person could give it the key.
_OPEN = ("/", "/health/live", "/health/ready")
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Admission:
    """ASGI middleware: refuses strangers, and gives each request that passes its id as a header."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings, self._open = app, settings, 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = f"req-{secrets.token_hex(8)}"
        scope.setdefault("state", {})["id"] = number

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = (*_HEADERS, (b"x-request-id", number.encode()))
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        try:
            self._admit(scope["path"], Headers(scope=scope))
        except Refusal as refusal:
            await JSONResponse(refusal.body(), refusal.status, refusal.headers())(scope, receive, sent)
            return
        self._open += 1
        try:
            await self._app(scope, receive, sent)
        finally:
            self._open -= 1

    def _admit(self, path: str, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin")
        # A page of another host that had its name lead here would be let in by the browser, and not by this.
        if self._settings.is_local and _name(host) not in LOCAL:
            raise Refusal(403, "foreign_host", f"this server answers to {', '.join(LOCAL)}, not to `{host[:100]}`")
        foreign = origin is not None and origin.partition("://")[2] != host
        if foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refusal(403, "foreign_origin", "a page of another origin may not ask here")
        if self._settings.key is not None and path not in _OPEN:
            kind, _, given = headers.get("authorization", "").partition(" ")
            given = given.strip() if kind.lower() == "bearer" else ""
            if not hmac.compare_digest(given.encode("latin-1"), self._settings.key):
                raise Refusal(401, "invalid_api_key", "this server wants a key: `Authorization: Bearer KEY`")
        if self._open >= MAX_OPEN and not path.startswith("/health"):
            raise Refusal(503, "too_many_requests", f"{MAX_OPEN} requests are open already", retry_after=RETRY_SECONDS)


def _name(host: str) -> str:
    """Return the name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
