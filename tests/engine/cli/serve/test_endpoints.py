"""The door: who gets in, what is refused, what is told; the example model behind it, by the frozen policy."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ....case_files import cases
from ...command_line import HELLO, Capture, in_subprocess, ran
from .running import QUICK, Running, running, until

REFUSED = cases(__file__, "refused.yaml")
ANSWER = "Hello from a model that was checked before it was loaded."
MESSAGES = [{"role": "user", "content": "Hi"}]


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """The error of a response, whose shape is OpenAI's."""
    error = response.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert error["message"].isprintable() and len(error["message"]) < 700
    assert response.headers["x-request-id"].startswith("req-")
    return error


@pytest.mark.parametrize("row", REFUSED, ids=[row["name"] for row in REFUSED])
def test_refused(row: dict[str, Any], quick: Running) -> None:
    body = row["body"]
    if not isinstance(body, str):
        body = json.dumps({"model": "hello", "messages": MESSAGES, **body})
    response = quick.http.post(row.get("path", "/v1/chat/completions"), content=body)
    error = error_of(response)
    assert (response.status_code, error["code"], error["param"]) == (row["status"], row["code"], row["param"])
    assert quick.resident() in ([], ["hello"])


BODIES = {
    "no JSON": (b"{", 400, "invalid_json"),
    "a list": (b"[]", 400, "invalid_json"),
    "nothing": (b"", 400, "invalid_json"),
    "not a number": (b'{"model": NaN}', 400, "invalid_json"),
    "nested deep": (b"[" * 100_000, 400, "invalid_json"),
    "not UTF-8": (b'{"model": "\xff"}', 400, "invalid_json"),
    "50 MB": (b" " * 50_000_000, 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str, quick: Running) -> None:
    body, status, code = BODIES[name]
    response = quick.http.post("/v1/chat/completions", content=body)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


def test_a_block_has_the_whole_decision(quick: Running) -> None:
    error = error_of(quick.chat("brandnew"))
    assert error["decision"]["gate"] == "text-runtime"
    assert error["decision"]["policy"]["version"] == "2.0.4"


def test_models(quick: Running) -> None:
    data = quick.http.get("/v1/models").json()["data"]
    assert [one["id"] for one in data] == ["brandnew", "hello"]
    assert quick.http.get("/v1/models/hello").json()["id"] == "hello"
    assert quick.http.get("/v1/models/tests/models/hello").status_code == 404


@pytest.mark.slow
def test_an_answer(quick: Running) -> None:
    response = quick.chat("hello", user="somebody")
    assert response.json()["choices"][0]["message"]["content"] == ANSWER
    assert response.json()["usage"]["completion_tokens"] == 11
    assert response.headers["x-mlxk-decision"].startswith("allow; backend=mlx_lm; gate=")
    assert response.headers["x-mlxk-ignored"] == "user"
    assert str(Path(HELLO)) not in response.text


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream(usage: bool, quick: Running) -> None:
    response = quick.chat("hello", stream=True, stream_options={"include_usage": usage})
    events = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert "".join(one["delta"].get("content", "") for chunk in chunks for one in chunk["choices"]) == ANSWER
    assert any("usage" in chunk for chunk in chunks) == usage
    assert {chunk["model"] for chunk in chunks} == {"hello"}


def test_a_completion(quick: Running) -> None:
    response = quick.ask("/v1/completions", model="hello", prompt="Hello", max_tokens=3)
    assert response.json()["object"] == "text_completion"
    assert response.json()["choices"][0]["finish_reason"] in ("length", "stop")


HEADERS = {
    "a name that leads here": ({"Host": "evil.example"}, 403, "foreign_host"),
    "no name": ({"Host": ""}, 403, "foreign_host"),
    "a page elsewhere": ({"Origin": "https://evil.example"}, 403, "foreign_origin"),
    "a page of a file": ({"Origin": "null"}, 403, "foreign_origin"),
    "another port of this machine": ({"Origin": "http://127.0.0.1:1"}, 403, "foreign_origin"),
    "an image in a page elsewhere": ({"Sec-Fetch-Site": "cross-site"}, 403, "foreign_origin"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_strangers(name: str, quick: Running) -> None:
    headers, status, code = HEADERS[name]
    for path in ("/v1/models", "/policy", "/"):
        response = quick.http.get(path, headers=headers)
        assert (response.status_code, error_of(response)["code"]) == (status, code)
        assert "access-control-allow-origin" not in response.headers


def test_its_own_page_may_ask(quick: Running) -> None:
    assert quick.http.get("/status", headers={"Origin": quick.url}).status_code == 200


def test_health(quick: Running) -> None:
    assert quick.http.get("/health/live").status_code == quick.http.get("/health/ready").status_code == 200


def test_what_there_is_not(quick: Running) -> None:
    assert error_of(quick.http.get("/v1/embeddings"))["code"] == "not_found"
    assert error_of(quick.http.get("/v1/chat/completions"))["code"] == "method_not_allowed"


def test_policy(quick: Running) -> None:
    told = quick.http.get("/policy").json()
    assert (told["version"], len(told["digest"]), told["not_taken"]) == ("2.0.4", 64, None)


DECIDE = [
    ({"model": "hello"}, "allow"),
    ({"model": "hello", "images": True}, "block"),
    ({"model": "hello", "messages": MESSAGES}, "allow"),
    ({"model": "hello", "set": ["memory.total_bytes=1KB"]}, "warn"),
    ({"facts": {}}, "block"),
]


@pytest.mark.parametrize(("body", "expected"), DECIDE)
def test_decide(body: dict[str, Any], expected: str, quick: Running) -> None:
    assert quick.ask("/policy/decide", **body).json()["decision"]["decision"] == expected


def test_decide_refuses_what_is_no_fact(quick: Running) -> None:
    assert error_of(quick.ask("/policy/decide", model="hello", set=["memory=x"]))["param"] == "set"
    assert error_of(quick.ask("/policy/decide"))["param"] == "model"


def test_it_listens_here_alone(quick: Running) -> None:
    port = int(quick.url.rpartition(":")[2])
    with pytest.raises(OSError):
        socket.create_connection((socket.gethostbyname(socket.gethostname()), port), timeout=1).close()
        if socket.gethostbyname(socket.gethostname()).startswith("127."):
            raise OSError("this machine has no other address")


WRONG = {
    "an open door": (("--host", "0.0.0.0"), "open-door"),
    "a port": (("--port", "70000"), "bad-value"),
    "an address": (("--host", "203.0.113.1", "--api-key-file", "KEY"), "bad-address"),
    "nothing to ask for": (("--only",), "usage"),
    "a pin that is not here": (("--pin", "other"), "bad-value"),
    "no model": (("nowhere/at/all",), "bad_name"),
    "a key that is not there": (("--api-key-file", "nowhere"), "bad-key-file"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_wrong_words(name: str, tmp_path: Path, capsys: Capture) -> None:
    words, code = WRONG[name]
    key = tmp_path / "key"
    key.write_text("a-long-enough-secret")
    key.chmod(0o600)
    exit_code, out, err = ran(capsys, "serve", *(str(key) if word == "KEY" else word for word in words))
    assert (exit_code, out, f"error[{code}]" in err) == (2, "", True), err


@pytest.mark.slow
def test_a_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-long-enough-secret\n")
    key.chmod(0o600)
    with running(HELLO, "--only", *QUICK, "--api-key-file", key) as server:
        for given in (None, "Bearer", "Bearer other", "Bearer a-long-enough-secret2", "Basic a-long-enough-secret"):
            response = server.http.get("/v1/models", headers={} if given is None else {"Authorization": given})
            assert (response.status_code, error_of(response)["code"]) == (401, "invalid_api_key")
        right = {"Authorization": "Bearer a-long-enough-secret"}
        assert server.http.get("/v1/models", headers=right).status_code == 200
        assert server.http.get("/health/live").status_code == server.http.get("/").status_code == 200


def test_a_key_that_others_may_read(tmp_path: Path, capsys: Capture) -> None:
    key = tmp_path / "key"
    key.write_text("a-long-enough-secret")
    key.chmod(0o644)
    assert "others may read the key" in ran(capsys, "serve", "--api-key-file", str(key))[2]


@pytest.mark.slow
def test_silence_is_ended(quick: Running) -> None:
    host, port = quick.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as one:
        one.sendall(b"POST / HT")
        one.settimeout(15)
        assert one.recv(1) == b""


def test_the_log_is_facts_that_decide_reads(quick: Running) -> None:
    log = Path(quick.process.args[quick.process.args.index("--log") + 1])  # type: ignore[index]
    response = quick.chat("hello", "a word that is nobody's")
    id = response.headers["x-request-id"]
    until(lambda: id in log.read_text())
    line = next(json.loads(line) for line in log.read_text().splitlines() if id in line)
    assert line["logged"]["decision"]["decision"] == "allow"
    assert line["logged"]["policy"]["digest"] == quick.http.get("/policy").json()["digest"]
    assert "nobody's" not in log.read_text()
    assert log.stat().st_mode & 0o77 == 0
    done = in_subprocess("decide", str(log), "--policy", "2.0.4")
    told = [json.loads(line)["decision"] for line in done.stdout.splitlines()]
    assert told == [json.loads(line)["logged"]["decision"]["decision"] for line in log.read_text().splitlines()]


def test_metrics(quick: Running) -> None:
    quick.chat("hello")
    text = quick.http.get("/metrics").text
    assert 'mlxk_decisions_total{backend="mlx_lm",decision="allow"' in text
    assert "mlxk_resident_models 1.0" in text
