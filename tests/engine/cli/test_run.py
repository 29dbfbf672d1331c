"""`run` as a person uses it: one answer with every option, a talk on a terminal, a warning that asks."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mlxk_rules.engine.storage import data_files
from mlxk_rules.loaders.backends.stopping import Stopping

from ...case_files import cases
from ..command_line import COMMAND, HELLO, ROOT, Capture, heeds_ctrl_c, ran

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_the_root")]
CASES: list[dict[str, Any]] = cases(__file__, "runs.yaml")
ANSWERS = Draft202012Validator(json.loads((data_files.FOLDER / "answer.schema.json").read_text("utf-8")))
FIXTURES = {"SPEECH": "speech_model", "VISION": "vision_model", "RECORDING": "recording", "PICTURE": "picture"}
ANSWER = "Hello from a model that was checked before it was loaded."


@pytest.mark.parametrize("case", CASES, ids=[" ".join(case["words"]) for case in CASES])
def test_an_answer(
    case: dict[str, Any], request: pytest.FixtureRequest, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [str(request.getfixturevalue(FIXTURES[word])) if word in FIXTURES else word for word in case["words"]]
    words = [HELLO if word == "HELLO" else word for word in words]
    for json_too in ([], ["--json"]) if "ending" in case else ([],):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(case.get("input", "").encode())))
        code, out, err = ran(capsys, "run", *words, *json_too)
        assert code == case.get("code", 0), err
        assert json_too or [text for text in case.get("err", ()) if text not in err] == []
        assert json_too or "out" not in case or out == case["out"]
        assert not case.get("heard") or (out.strip() and "empty" not in err)
        if json_too:
            found = json.loads(out)
            assert [error.message for error in ANSWERS.iter_errors(found)] == []
            assert found["ending"] == case["ending"] and found["stats"]["answer_tokens"] > 0


@pytest.mark.parametrize(
    ("pieces", "stop", "shown"),
    [
        (["Hello", " wor", "ld"], ["wor"], "Hello "),
        (["a", "b", "c"], ["bc"], "a"),
        (["a", "b", "d"], ["bc"], "abd"),
        (["abab", "abc"], ["ababc"], "ab"),
        (["xyz"], ["z", "y"], "x"),
        (["the end"], ["end of"], "the end"),
        (["a\n\n", "b"], ["\n\n"], "a"),
        ([], ["x"], ""),
        (["abc"], [], "abc"),
    ],
)
def test_an_end(pieces: list[str], stop: list[str], shown: str) -> None:
    stopping, found = Stopping(stop), ""
    for piece in pieces:
        found += stopping.shown(piece)
        if stopping.stopped:
            break
    assert found + stopping.rest() == shown


class Terminal:
    """A command on a terminal of 80 x 24, typed to."""

    def __init__(self, *words: str) -> None:
        self._parent, child = pty.openpty()
        self.seen = ""
        self._process = subprocess.Popen(
            [*COMMAND, *words],
            stdin=child,
            stdout=child,
            stderr=child,
            cwd=ROOT,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "80"},
            start_new_session=True,
            preexec_fn=heeds_ctrl_c,
        )
        os.close(child)

    def until(self, text: str, seconds: float = 60) -> str:
        """Return what was shown since the last time, up to a text."""
        begin, end = len(self.seen), time.monotonic() + seconds
        while text not in self.seen[begin:]:
            if not self._shows(end - time.monotonic()):
                self._process.kill()
                self.end()
                raise AssertionError(f"no {text!r} in {self.seen[begin:]!r}")
            try:
                self.seen += os.read(self._parent, 65536).decode("utf-8", "replace").replace("\r\n", "\n")
            except OSError:
                assert text in self.seen[begin:], self.seen[begin:]
        return self.seen[begin:]

    def type(self, text: str) -> None:
        os.write(self._parent, text.encode())

    def _shows(self, seconds: float) -> bool:
        """Whether there is something to read within a time."""
        return bool(select.select([self._parent], [], [], max(0, seconds))[0])

    def interrupt(self) -> None:
        os.kill(self._process.pid, signal.SIGINT)

    def interrupt_prompt(self) -> None:
        """Press Ctrl-C until it is heard: Python misses one between its prompt and its first look at the keys."""
        self.interrupt()
        while not self._shows(1):
            self.interrupt()

    def end(self) -> int:
        code = self._process.wait(timeout=30)
        os.close(self._parent)
        return code


def test_a_talk() -> None:
    terminal = Terminal("run", HELLO)
    first = terminal.until("> ")
    assert "hello, by mlx-lm. /help tells more, /exit ends." in first
    terminal.type("Who are you?\n")
    answered = terminal.until(f"{ANSWER}\n> ")
    assert "loading hello with mlx-lm, 91.9 KB ..." in answered
    terminal.type("And once more?\n")
    assert "loading" not in terminal.until(f"{ANSWER}\n> ")
    terminal.type("/help\n")
    assert "forget what was said" in terminal.until("next.\n> ")
    terminal.type("/clear\n")
    terminal.until("forgotten\n> ")
    terminal.type("/nothing\n")
    assert "no such word: /nothing" in terminal.until("are\n> ")
    terminal.interrupt_prompt()
    terminal.until("> ")
    terminal.type("two \\\nlines\n")
    terminal.until(f"{ANSWER}\n> ")
    terminal.type("/exit\n")
    assert terminal.end() == 0


def test_ctrl_c_stops_the_answer_and_keeps_the_talk(tmp_path: Path) -> None:
    from ...tiny.text import text

    long = text(tmp_path / "long", " ".join(f"word{n}" for n in range(400)))
    (long / "README.md").write_text("---\nlibrary_name: mlx\n---\n")
    terminal = Terminal("run", str(long), "--max-tokens", "9999", "--policy", "2.0.4")  # which asks no backend before
    terminal.until("> ")
    terminal.type("Talk.\n")
    terminal.until("word3 ")
    terminal.interrupt()
    stopped = terminal.until("stopped\n> ")
    assert "word399" not in stopped
    terminal.type("Again.\n")
    terminal.until("word3 ")
    terminal.interrupt()
    terminal.until("> ")
    terminal.type("\x04")
    assert terminal.end() == 0


OVER = """
schema: 1
extends: today
name: small
version: 1.0.0
limits: {memory_ratio: 0.0000001}
"""


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_warning_of_memory_asks(typed: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(OVER)
    terminal = Terminal("run", HELLO, "Hi", "--policy", str(tmp_path / "small.yaml"))
    asked = " ".join(terminal.until("[y/N] ").split())
    assert "warning" in asked and re.search(r"It is \d\.\d MB over what may be used\. Load it all the same", asked)
    terminal.type(typed)
    terminal.until(ANSWER if code == 0 else "not loaded")
    assert terminal.end() == code


def test_a_warning_of_memory_does_not_ask_where_nobody_is(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "small.yaml").write_text(OVER)
    code, out, err = ran(capsys, "run", HELLO, "Hi", "--policy", str(tmp_path / "small.yaml"))
    assert (code, out) == (0, f"{ANSWER}\n") and "warning" in err and "[y/N]" not in err
    terminal = Terminal("run", HELLO, "Hi", "--yes", "--policy", str(tmp_path / "small.yaml"))
    assert "[y/N]" not in terminal.until(ANSWER)
    assert terminal.end() == 0


def test_what_is_only_observed_is_told(tmp_path: Path, capsys: Capture) -> None:
    when = "request.context == 'cli'"
    gate = f"{{id: soon, mode: observe, before: text, when: {when}, decide: block, error: soon, message: in May}}"
    (tmp_path / "soon.yaml").write_text(f"schema: 1\nextends: today\nname: soon\nversion: 1.0.0\ngates:\n  - {gate}\n")
    code, out, err = ran(capsys, "run", HELLO, "Hi", "--policy", str(tmp_path / "soon.yaml"))
    assert (code, out) == (0, f"{ANSWER}\n") and "observed: soon would block: in May" in err


def test_a_talk_reads_nothing_twice(text_model: Path) -> None:
    """What the cache holds of a talk is not read again, and the answers are those of a model that reads it all."""
    from mlxk_rules.loaders import Message, Remembered, Session, checked_request

    from ...loaders.backends.helpers import allow, facts_of

    def answers(remembered: Remembered | None) -> list[str]:
        session, before, found = Session(facts_of(text_model), allow("mlx_lm")), (), []
        for prompt in ("one", "two two", "three"):
            request = checked_request(prompt, [], [], None, 0.0, before=before, remembered=remembered)
            found.append("".join(session.answer(request)))
            before = (*before, Message("user", prompt), Message("assistant", found[-1]))
        return found

    remembered = Remembered()
    assert answers(remembered) == answers(None)
    assert remembered.cache[0].offset >= len(remembered.tokens) - 1
