"""A rule file that changes while the server runs: taken whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...command_line import HELLO
from .running import Running, running, until

HEAD = "schema: 1\nname: mine\nversion: {version}\nextends: 2.0.4\n"
CLOSED = """
gates:
  - id: closed
    before: text-memory
    when: request.context == 'server'
    decide: block
    error: closed
    http: 403
    message: nothing is loaded here today
"""


def version_of(server: Running) -> str:
    return server.http.get("/policy").json()["version"]


def write(file: Path, version: str, more: str = "") -> None:
    """As an editor does: the whole file at once."""
    new = file.with_suffix(".new")
    new.write_text(HEAD.format(version=version) + more)
    new.replace(file)


@pytest.mark.slow
def test_a_changed_rule_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    write(file, "1.0.0")
    with running(HELLO, "--only", "--policy", file) as server:
        first = server.http.get("/policy").json()
        assert server.chat("hello").status_code == 200

        write(file, "1.0.1", CLOSED)
        until(lambda: version_of(server) == "1.0.1")
        response = server.chat("hello")
        assert (response.status_code, response.json()["error"]["code"]) == (403, "closed")

        write(file, "1.0.2", "gates: [")
        until(lambda: server.http.get("/policy").json()["not_taken"])
        told = server.http.get("/policy").json()
        assert (told["version"], told["reload_failures"]) == ("1.0.1", 1)
        assert "mine.yaml" in told["not_taken"]["problems"][0]
        assert any("the last good one stays" in line for line in server.said)
        assert "mlxk_policy_reload_failures 1.0" in server.http.get("/metrics").text
        assert server.chat("hello").status_code == 403

        write(file, "1.0.3")
        until(lambda: version_of(server) == "1.0.3")
        told = server.http.get("/policy").json()
        assert told["not_taken"] is None and told["digest"] != first["digest"]
        assert server.chat("hello").status_code == 200


@pytest.mark.slow
def test_a_rule_file_whose_cases_fail_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    write(file, "1.0.0")
    (tmp_path / "mine.tests.yaml").write_text(
        "policy: mine.yaml\ncases:\n  - name: a llama is allowed\n"
        "    facts: { request.context: server }\n    expect: { decision: allow }\n"
    )
    with running(HELLO, "--only", "--policy", file) as server:
        write(file, "1.0.1", CLOSED)
        told = until(lambda: server.http.get("/policy").json()["not_taken"])
        assert "a llama is allowed" in told["problems"][0]
        assert version_of(server) == "1.0.0"
