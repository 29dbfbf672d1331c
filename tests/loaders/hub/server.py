"""A hub on this machine: the endpoints that huggingface_hub 2.4 asks, and a second server, on another port, for LFS.

It serves folders as they are, sparse ones too, and notes every request, what was sent for it, and whether a token came
along. Its faults are set by hand: `answers` for a path, delays, parts that break off, ranges that are ignored.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_of_the_tests"
# As .gitattributes of a new repo has them.
_LFS = (".safetensors", ".bin", ".gguf", ".npz", ".pt", ".pth", ".model", "tokenizer.json")
_CHUNK = 1 << 20


class Asked(NamedTuple):
    """A request: at the hub or, `elsewhere`, at the server for LFS; `sent` are bytes of the body."""

    method: str
    path: str
    range: str | None
    token: str | None
    status: int
    sent: int
    elsewhere: bool


class Answer(NamedTuple):
    """What is sent in place of the right answer."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


@dataclass
class Repo:
    """A folder as a repo, as it is when it is added; `gated` and `private` want the token, `revisions` are names of its
    one commit."""

    folder: Path
    gated: bool = False
    private: bool = False
    revisions: tuple[str, ...] = ("main",)
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        self.files = {path.relative_to(self.folder).as_posix(): path for path in paths}
        self.hashes = {name: _hash(name, path) for name, path in self.files.items()}
        self.commit = hashlib.sha1(repr(self.hashes).encode()).hexdigest()

    def sizes(self, name: str) -> dict[str, Any]:
        size, found = self.files[name].stat().st_size, self.hashes[name]
        lfs = {"lfs": {"oid": found, "sha256": found, "size": size, "pointerSize": 134}} if is_lfs(name) else {}
        return {"size": size, "blobId": found[:40], **lfs}


def is_lfs(name: str) -> bool:
    return name.endswith(_LFS)


def _hash(name: str, path: Path) -> str:
    content = path.read_bytes() if path.stat().st_size < 16 << 20 else f"{name} {path.stat().st_size}".encode()
    return hashlib.sha256(content).hexdigest() if is_lfs(name) else hashlib.sha1(content).hexdigest()


class Hub:
    """`url` is its endpoint, `asked` what came so far. The rest are its faults and ways."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self._asked: list[Asked] = []
        self._answering = 0
        self.delay = 0.0
        self.page_size = 1000
        self.tells_sizes = True
        self.cached_resolve = False  # small files by a 307, as the real hub has it
        self.keeps_ranges = True
        self.breaks: dict[str, int] = {}  # a file's name, and how often an answer of it breaks off half-way
        self.answers: list[tuple[Callable[[str], bool], Answer]] = []
        self._lock = threading.Condition()
        self._servers = [self._server(elsewhere=False), self._server(elsewhere=True)]
        self.url, self.elsewhere = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def add(self, repo: str, folder: Path, **more: Any) -> Repo:
        self.repos[repo] = Repo(folder, **more)
        return self.repos[repo]

    def fails(self, part: str, status: int, body: bytes = b"", **headers: str) -> None:
        """From now on, a path with this part in it is answered so."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((lambda path: part in path, Answer(status, named, body)))

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def asked(self) -> list[Asked]:
        """What came, once all of it is noted: whoever asked may have its answer a moment before that."""
        with self._lock:
            self._lock.wait_for(lambda: not self._answering, 5)
        return self._asked

    @property
    def sent(self) -> int:
        return sum(one.sent for one in self.asked)

    def _server(self, elsewhere: bool) -> ThreadingHTTPServer:
        hub = self

        class Handler(_Handler):
            def do_GET(self) -> None:
                self.answer(hub, elsewhere)

            do_HEAD = do_GET

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def begins(self) -> None:
        with self._lock:
            self._answering += 1

    def note(self, asked: Asked) -> None:
        with self._lock:
            self._asked.append(asked)
            self._answering -= 1
            self._lock.notify_all()

    def breaks_now(self, name: str) -> bool:
        with self._lock:
            left = self.breaks.get(name, 0)
            self.breaks[name] = left - 1
            return left > 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, hub: Hub, elsewhere: bool) -> None:
        hub.begins()
        time.sleep(hub.delay)
        try:
            status, sent = self._answer(hub, elsewhere)
        except (BrokenPipeError, ConnectionResetError):
            status, sent = 0, 0
        token = self.headers.get("Authorization")
        hub.note(Asked(self.command, self.path, self.headers.get("Range"), token, status, sent, elsewhere))

    def _answer(self, hub: Hub, elsewhere: bool) -> tuple[int, int]:
        for applies, answer in hub.answers:
            if applies(self.path):
                return self._send(answer.status, answer.body, dict(answer.headers))
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        if elsewhere:
            return self._file(hub, path.removeprefix("/blob/"))
        if path == "/api/models":
            wanted = query.get("filter", [""])[0]
            found = [{"id": name} for name, repo in hub.repos.items() if wanted in repo.about.get("tags", ())]
            return self._json(found)
        if path.startswith("/api/resolve-cache/models/"):
            return self._file(hub, path.removeprefix("/api/resolve-cache/models/"))
        if path.startswith("/api/models/"):
            return self._api(hub, path.removeprefix("/api/models/"), query)
        name, _, rest = path[1:].partition("/resolve/")
        found = self._repo(hub, name, files=True)
        if isinstance(found, Answer):
            return self._send(found.status, found.body, dict(found.headers))
        return self._resolve(hub, name, found, rest)

    def _api(self, hub: Hub, path: str, query: dict[str, list[str]]) -> tuple[int, int]:
        name, kind, revision = path, "", "main"
        for word in ("/revision/", "/tree/"):
            if word in path:
                name, _, revision = path.partition(word)
                kind = word.strip("/")
        found = self._repo(hub, name, files=kind == "tree")
        if isinstance(found, Answer):
            return self._send(found.status, found.body, dict(found.headers))
        if revision not in (*found.revisions, found.commit):
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        files = found.files
        if kind != "tree":
            sizes = hub.tells_sizes and query.get("blobs")
            siblings = [{"rfilename": file} | (found.sizes(file) if sizes else {}) for file in files]
            about = {"id": name, "modelId": name, "sha": found.commit, "private": found.private, "tags": []}
            return self._json(
                {**about, "gated": "manual" if found.gated else False, "siblings": siblings, **found.about}
            )
        begin = int(query.get("cursor", ["0"])[0])
        page = list(files)[begin : begin + hub.page_size]
        entries = [{"type": "file", "path": file, "oid": found.hashes[file]} | found.sizes(file) for file in page]
        more = {}
        if begin + hub.page_size < len(files):
            url = f"{hub.url}/api/models/{name}/tree/{revision}?recursive=True&cursor={begin + hub.page_size}"
            more = {"Link": f'<{url}>; rel="next"'}
        return self._json(entries, more)

    def _repo(self, hub: Hub, name: str, files: bool) -> Repo | Answer:
        token = self.headers.get("Authorization")
        if token is not None and token != f"Bearer {TOKEN}":
            return Answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        found = hub.repos.get(name)
        if found is None or (found.private and token is None):
            return Answer(404 if token else 401, {"X-Error-Code": "RepoNotFound"})
        if found.gated and files and token is None:
            return Answer(401, {"X-Error-Code": "GatedRepo"})
        return found

    def _resolve(self, hub: Hub, name: str, repo: Repo, rest: str) -> tuple[int, int]:
        revision, _, file = rest.partition("/")
        if revision not in (*repo.revisions, repo.commit):
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        path = repo.files.get(file)
        if path is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        told = {"X-Repo-Commit": repo.commit}
        if is_lfs(file):
            told |= {"X-Linked-Etag": f'"{repo.hashes[file]}"', "X-Linked-Size": str(path.stat().st_size)}
            target = f"{hub.elsewhere}/blob/{name}/{repo.commit}/{file}?signature=1"
            return self._send(302, b"Found. Redirecting", told | {"Location": target})
        if hub.cached_resolve:
            target = f"/api/resolve-cache/models/{name}/{repo.commit}/{file}"
            return self._send(307, b"Temporary Redirect", told | {"Location": target})
        return self._content(hub, file, path, told | {"ETag": f'"{repo.hashes[file]}"'})

    def _file(self, hub: Hub, rest: str) -> tuple[int, int]:
        name = next(name for name in hub.repos if rest.startswith(f"{name}/"))
        commit, _, file = rest[len(name) + 1 :].partition("/")
        repo = hub.repos[name]
        return self._content(hub, file, repo.files[file], {"X-Repo-Commit": commit, "ETag": f'"{repo.hashes[file]}"'})

    def _content(self, hub: Hub, file: str, path: Path, told: dict[str, str]) -> tuple[int, int]:
        size = path.stat().st_size
        begin, end, status = 0, size, 200
        if (wanted := self.headers.get("Range")) and hub.keeps_ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            begin, end, status = int(first), min(int(last) + 1 if last else size, size), 206
            told["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - begin))
        for header, value in told.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "HEAD":
            return status, 0
        if hub.breaks_now(file):
            end = begin + (end - begin) // 2
            self.close_connection = True
        sent = 0
        with path.open("rb") as opened:
            opened.seek(begin)
            while sent < end - begin and (chunk := opened.read(min(_CHUNK, end - begin - sent))):
                self.wfile.write(chunk)
                sent += len(chunk)
        self.wfile.flush()
        return status, sent

    def _json(self, value: Any, more: Mapping[str, str] = {}) -> tuple[int, int]:
        return self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **more})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> tuple[int, int]:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return status, len(body)


@contextmanager
def running() -> Generator[Hub]:
    """A hub that runs while this is open."""
    hub = Hub()
    try:
        yield hub
    finally:
        hub.close()
