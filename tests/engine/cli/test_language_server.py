"""`mlxk-rules lsp`: the protocol is spoken to the real server, as an editor does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BASE = """schema: 1
name: base
version: 1.0.0
sets:
  types: [llava, pixtral]
limits:
  share: 0.5
derive:
  big:
    compute: model.size_bytes > `1000`
    why: more than a thousand bytes
gates:
  - id: large
    when: derived.big && contains(sets.types, model.type)
    decide: block
    error: too_large
    message: too large
  - id: text
    otherwise: true
    decide: allow
    backend: mlx_lm
"""
OVER = """schema: 1
name: over
version: 1.0.0
extends: base.yaml
gates:
  - id: audio
    before: large
    when: request.audoi && lower(model.type) == 'é𝄞' && derived.big
    decide: block
    error: no_audio
    message: "{{ model.name }} takes no audio"
"""
CASES = "cases:\n  - name: one\n    facts: {model: {type: llava}}\n    expect: {gate: large}\n"


class Client:
    """An editor: asks, and reads what comes until the answer is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.diagnostics: dict[str, Any] = {}
        script = "from mlxk_rules.engine.cli import script; import sys; sys.argv = ['mlxk-rules', 'lsp']; script()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.capabilities = self.ask("initialize", processId=None, rootUri=None, capabilities={})["capabilities"]
        self.tell("initialized")

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            assert line, "the server ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def tell(self, method: str, **params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        self.count += 1
        self.send({"id": self.count, "method": method, "params": params})
        while (message := self.read()).get("id") != self.count:
            pass
        assert "error" not in message, message
        return message["result"]

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        document = {"uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        return self.marked(name)

    def change(self, name: str, text: str) -> list[dict[str, Any]]:
        document = {"uri": self.uri(name), "version": 2}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])
        return self.marked(name)

    def marked(self, name: str) -> list[dict[str, Any]]:
        while self.read().get("method") != "textDocument/publishDiagnostics":
            pass
        return self.diagnostics[self.uri(name)]

    def at(self, method: str, name: str, text: str, word: str, **more: Any) -> Any:
        """Ask about the place behind `word`, in UTF-16 units, as the protocol counts."""
        before = text[: text.index(word) + len(word)]
        column = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
        position = {"line": before.count("\n"), "character": column}
        return self.ask(f"textDocument/{method}", textDocument={"uri": self.uri(name)}, position=position, **more)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "base.tests.yaml").write_text(CASES)
    (tmp_path / "over.yaml").write_text(OVER, "utf-8")
    client = Client(tmp_path)
    yield client
    client.ask("shutdown")
    client.tell("exit")
    assert client.process.wait(20) == 0
    for stream in (client.process.stdin, client.process.stdout):
        if stream is not None:
            stream.close()


@pytest.mark.slow
def test_a_rule_file_is_written(client: Client) -> None:
    (problem,) = client.open("over.yaml", OVER)
    assert (problem["code"], problem["severity"]) == ("unknown-fact", 1) and "request.audio" in problem["message"]
    line = OVER.split("\n")[problem["range"]["start"]["line"]]
    assert "audoi" in line[problem["range"]["start"]["character"] : problem["range"]["end"]["character"]]

    (action,) = client.ask(
        "textDocument/codeAction",
        textDocument={"uri": client.uri("over.yaml")},
        range=problem["range"],
        context={"diagnostics": [problem]},
    )
    ((edit,),) = action["edit"]["changes"].values()
    lines = OVER.split("\n")
    where = edit["range"]
    row = where["start"]["line"]
    lines[row] = lines[row][: where["start"]["character"]] + edit["newText"] + lines[row][where["end"]["character"] :]
    mended = "\n".join(lines)
    assert "when: request.audio && lower" in mended
    assert client.change("over.yaml", mended) == []

    said = client.at("hover", "over.yaml", mended, "when: request.audio")["contents"]["value"]
    assert "boolean" in said
    assert "lower(string or null)" in client.at("hover", "over.yaml", mended, " lower")["contents"]["value"]
    assert "more than a thousand bytes" in client.at("hover", "over.yaml", mended, "derived.big")["contents"]["value"]
    assert "block too_large" in client.at("hover", "over.yaml", mended, "before: large")["contents"]["value"]

    place = client.at("definition", "over.yaml", mended, "'é𝄞' && derived.big")
    assert place["uri"] == client.uri("base.yaml") and place["range"]["start"] == {"line": 8, "character": 2}
    place = client.at("definition", "over.yaml", mended, "before: large")
    assert place["uri"] == client.uri("base.yaml") and place["range"]["start"]["line"] == 12
    found = client.at("references", "over.yaml", mended, "'é𝄞' && derived.big", context={"includeDeclaration": True})
    assert {(place["uri"].rpartition("/")[2], place["range"]["start"]["line"]) for place in found} == {
        ("over.yaml", 7),
        ("base.yaml", 13),
    }


@pytest.mark.slow
def test_words_are_completed(client: Client) -> None:
    client.open("over.yaml", OVER)

    def offered(before: str, after: str) -> dict[str, dict[str, Any]]:
        text = OVER.replace("request.audoi", before).replace("decide: block", after)
        client.change("over.yaml", text)
        word = before if before != "request.audoi" else after
        return {item["label"]: item for item in client.at("completion", "over.yaml", text, word)["items"]}

    assert {"request.audio", "request.images"} <= offered("request.", "decide: block").keys()
    assert set(offered("sets.", "decide: block")) == {"sets.types"}
    assert set(offered("limits.s", "decide: block")) == {"limits.share"}
    assert set(offered("derived.", "decide: block")) == {"derived.big"}
    assert offered("any_ends", "decide: block")["any_ends_with"]["detail"].startswith("any_ends_with(")
    assert set(offered("request.audoi", "decide: ")) == {"allow", "warn", "block"}


@pytest.mark.slow
def test_what_is_no_rule_file_gets_no_word(client: Client) -> None:
    assert client.open("other.yaml", "on: push\njobs: [\n") == []
    assert client.at("hover", "other.yaml", "on: push\njobs: [\n", "push") is None


@pytest.mark.slow
def test_a_lens_counts_cases(client: Client) -> None:
    assert client.open("base.yaml", BASE) == []
    lenses = client.ask("textDocument/codeLens", textDocument={"uri": client.uri("base.yaml")})
    assert [(lens["range"]["start"]["line"], lens["command"]["title"]) for lens in lenses] == [
        (12, "1 case decided here"),
        (17, "no case is decided here"),
    ]
    said = client.at("hover", "base.yaml", BASE, "id: large")["contents"]["value"]
    assert "cases: `" in said
