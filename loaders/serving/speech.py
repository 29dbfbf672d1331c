"""A server for recordings, in the child: mlx-audio's own wants a GPU and packages that are not here.

One request at a time, in the shape of the other servers: POST /v1/chat/completions with `input_audio` parts, answered
as a stream of events that ends with [DONE].
"""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from ..backends.request import Request, checked_request
from ..backends.running import Session
from ..problems import LoaderError
from .backend_server import Job

_OF_THE_REQUEST = {"bad_argument", "media_unreadable", "media_too_large", "media_not_found"}


def serve(job: Job, loaded: Callable[[str], None]) -> None:
    """Load the model, call `loaded` with the folder, then answer until the process ends. Raises LoaderError."""
    facts = {
        "model": {"path": job.folder, "type": job.type, "fingerprint": job.fingerprint},
        "request": {"audio": True},
    }
    session = Session(facts, {"decision": "allow", "backend": job.backend})
    session.load()
    loaded(job.folder)

    class Handler(_Handler):
        speech = session

    HTTPServer(("127.0.0.1", 0), Handler).serve_forever()


class _Handler(BaseHTTPRequestHandler):
    speech: Session

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            with tempfile.TemporaryDirectory() as folder:
                pieces = self.speech.answer(_request(body, Path(folder)))
                first = next(pieces, "")
                self._head(200, "text/event-stream")
                self._event({"delta": {"role": "assistant", "content": first}})
                for piece in pieces:
                    self._event({"delta": {"content": piece}})
                self._event({"delta": {}, "finish_reason": "stop"})
                self.wfile.write(b"data: [DONE]\n\n")
        except LoaderError as error:
            self._head(400 if error.code in _OF_THE_REQUEST else 500, "application/json")
            self.wfile.write(json.dumps({"error": error.message}).encode())

    def _head(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _event(self, choice: dict[str, Any]) -> None:
        chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "finish_reason": None, **choice}]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the front keeps the log."""


def _request(body: dict[str, Any], folder: Path) -> Request:
    """The recordings of a request's messages, laid into a folder, and the text beside them."""
    recordings: list[Path] = []
    texts: list[str] = []
    for message in body["messages"]:
        content: Any = message["content"]
        parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "text":
                texts.append(part["text"])
                continue
            # A name without an ending: the decoder looks at the bytes.
            recordings.append(folder / f"recording-{len(recordings)}")
            try:
                recordings[-1].write_bytes(base64.b64decode(part["input_audio"]["data"], validate=True))
            except (binascii.Error, ValueError):
                raise LoaderError("media_unreadable", "the recording is not base64") from None
    try:
        return checked_request(
            "\n".join(texts),
            (),
            recordings,
            body.get("max_tokens"),
            body.get("temperature") or 0.0,
            language=body.get("language"),
            seed=body.get("seed"),
        )
    except LoaderError as error:
        raise LoaderError(error.code, error.message.replace(f"{folder}/", ""), error.help) from None
