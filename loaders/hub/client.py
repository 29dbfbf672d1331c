"""Asks the hub by huggingface_hub's own client (proxies, certificates, tokens, HF_HUB_OFFLINE are its), within limits.

Redirects are followed here and not by the client: a token goes to the endpoint's own host and to no other, each hop is
counted, and where a file really lies is remembered, so that its next bytes take one request and not two.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from ..problems import LoaderError
from . import failures

CONNECT_SECONDS = 5.0
SILENT_SECONDS = 20.0
ALL_SECONDS = 300.0
WORKERS = 8
_MAX_REQUESTS = 20_000
_MAX_BYTES = 512 << 20
_REDIRECTS = 5
_TRIES = 3
_PAGE_BYTES = 64 << 20


class Hub:
    """One look at the hub. `requests` and `bytes` are what it took so far, redirects counted.

    Raises LoaderError hub_not_installed, hub_offline.
    """

    def __init__(self) -> None:
        try:
            import httpx2  # by which huggingface_hub speaks since 2.0: an older one has another
            from huggingface_hub import constants
            from huggingface_hub.utils import build_hf_headers, get_session
        except ImportError:
            raise failures.not_installed() from None
        if constants.is_offline_mode():
            raise failures.offline()
        self.endpoint = endpoint()
        self.requests = self.bytes = 0
        self._session: Any = get_session()
        self._headers = dict(build_hf_headers(library_name="mlxk-rules"))
        self._token = self._headers.pop("authorization", None)
        self._timeout = httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
        self._ends = time.monotonic() + ALL_SECONDS
        self._lock = threading.Lock()
        self._places: dict[str, str] = {}

    @property
    def signed_in(self) -> bool:
        """Whether a token goes with the requests."""
        return self._token is not None

    def json(self, path: str, asked: str) -> tuple[Any, str | None]:
        """The JSON value at a path of the API, and the URL of the next page where there is one.

        Raises LoaderError as failures.py has them.
        """
        url = path if "://" in path else f"{self.endpoint}{path}"
        content, response, _ = self._read(url, None, _PAGE_BYTES, asked)
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            raise failures.no_hub(url, "its answer is no JSON") from None
        following = response.links.get("next", {}).get("url")
        if following is not None and _origin(following) != _origin(self.endpoint):
            raise failures.no_hub(url, "its next page is elsewhere")
        return found, following

    def piece(self, repo: str, commit: str, name: str, begin: int, end: int) -> bytes:
        """The bytes from `begin` to before `end` of a file; fewer where it ends sooner. Raises LoaderError."""
        url = f"{self.endpoint}/{repo}/resolve/{commit}/{quote(name)}"
        content = b""
        for attempt in range(_TRIES):
            try:
                got, _, place = self._read(self._places.get(url, url), (begin + len(content), end), end - begin, repo)
            except _Broken as broken:
                content += broken.content
                self._places.pop(url, None)
                if len(content) >= end - begin:
                    break
                if attempt == _TRIES - 1:
                    raise failures.of_exception(broken.cause, url, SILENT_SECONDS) from broken.cause
            except LoaderError as error:
                # A place is signed for a while only.
                if error.code not in ("hub_refused", "repo_not_found") or self._places.pop(url, None) is None:
                    raise
            else:
                self._places[url] = place
                content += got
                break
        return content[: end - begin]

    def _read(self, url: str, span: tuple[int, int] | None, most: int, asked: str) -> tuple[bytes, Any, str]:
        """Content, answer and its URL, after all redirects. Raises LoaderError, and _Broken where it breaks off."""
        for _ in range(_REDIRECTS + 1):
            self._count()
            headers = dict(self._headers)
            if self._token is not None and _origin(url) == _origin(self.endpoint):
                headers["authorization"] = self._token
            if span is not None:
                headers |= {"Range": f"bytes={span[0]}-{span[1] - 1}", "Accept-Encoding": "identity"}
            options = {"headers": headers, "follow_redirects": False, "timeout": self._timeout}
            content: list[bytes] = []
            skip = 0
            try:
                with self._session.stream("GET", url, **options) as response:
                    if response.has_redirect_location:
                        self._collect(response, [], _PAGE_BYTES, url, cut=True)  # read to its end, it can be used again
                        url = urljoin(url, response.headers["Location"])
                        continue
                    self._check(response, url, span, asked)
                    skip = span[0] if span is not None and response.status_code == 200 else 0
                    self._collect(response, content, skip + most, url, cut=span is not None)
            except LoaderError:
                raise
            except Exception as error:
                failure = failures.of_exception(error, url, SILENT_SECONDS)
                if span is not None and failure.code == "no_network" and content:
                    raise _Broken(b"".join(content)[skip:], error) from error
                raise failure from error
            return b"".join(content)[skip:], response, url
        raise failures.no_hub(url, "it only ever leads elsewhere")

    def _check(self, response: Any, url: str, span: tuple[int, int] | None, asked: str) -> None:
        if response.status_code >= 400:
            raise failures.of_status(response, url, asked, self.signed_in)
        if response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise failures.no_hub(url, "it sends a web page")
        if response.status_code not in (200, 206):
            raise failures.no_hub(url, f"HTTP {response.status_code}")
        if span is not None and response.status_code == 200 and span[0] > _PAGE_BYTES:
            raise failures.no_hub(url, "it sends no parts of files")
        if response.status_code == 206 and span is not None:
            told = response.headers.get("Content-Range", "")
            if not told.startswith(f"bytes {span[0]}-"):
                raise failures.no_hub(url, "it sends another part than was asked for")

    def _collect(self, response: Any, content: list[bytes], most: int, url: str, cut: bool) -> None:
        got = 0
        for chunk in response.iter_bytes():
            content.append(chunk)
            got += len(chunk)
            with self._lock:
                self.bytes += len(chunk)
            if self.bytes > _MAX_BYTES:
                raise failures.too_much(f"more than {_MAX_BYTES >> 20} MiB")
            if time.monotonic() > self._ends:
                raise failures.too_slow(url, ALL_SECONDS)
            if got > most or (got == most and cut and response.status_code == 200):
                if not cut:
                    raise failures.no_hub(url, f"it sends more than {most >> 20} MiB")
                return

    def _count(self) -> None:
        with self._lock:
            self.requests += 1
            if self.requests > _MAX_REQUESTS:
                raise failures.too_much(f"more than {_MAX_REQUESTS} requests")


class _Broken(Exception):
    """A connection that broke off in the middle of a part of a file, with what had come."""

    def __init__(self, content: bytes, cause: Exception) -> None:
        super().__init__(str(cause))
        self.content, self.cause = content, cause


def endpoint() -> str:
    """Where the hub is, without a slash at the end: HF_ENDPOINT, or huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
