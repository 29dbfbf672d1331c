"""What reaches a terminal: no control character of a model's or a policy's, and colour only where it is wanted."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from ..command_line import COMMAND, HELLO, HOSTILE, ROOT, Capture, facts_file, harmless, in_subprocess, ran
from ..helpers import REST, with_facts

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_the_root")]

# --- colour and control characters


def hostile_model(folder: Path) -> Path:
    model = folder / "hostile\x1b[31m\u202emodel"
    model.mkdir()
    config = {"model_type": f"llama{HOSTILE}", "auto_map": {HOSTILE: HOSTILE}, "architectures": [HOSTILE]}
    (model / "config.json").write_text(json.dumps(config))
    (model / f"file{HOSTILE.replace(chr(10), '')}.safetensors").write_bytes(b"")
    (model / "tokenizer_config.json").write_text('{"broken": ' + HOSTILE)
    (model / "README.md").write_text(f"---\nlibrary_name: {HOSTILE}\ntags:\n- {HOSTILE}\n---\n")
    return model


@pytest.mark.parametrize("policy", ["2.0.4", "3.0.0"])
@pytest.mark.parametrize("more", [[], ["--json"], ["--image"], ["--audio"], ["--trust-remote-code"]], ids=str)
def test_a_hostile_folder(policy: str, more: list[str], tmp_path: Path, capsys: Capture) -> None:
    model = str(hostile_model(tmp_path))
    for words in (["explain", model, "--policy", policy, *more], ["run", model, "hi", "--policy", policy, "--json"]):
        code, out, err = ran(capsys, *words)
        assert code in (0, 1, 2)
        harmless(out)
        harmless(err)
    harmless(ran(capsys, "probe", model)[1])
    harmless("".join(ran(capsys, "run", model, "hi", "--policy", policy)[1:]))


def test_a_hostile_policy(tmp_path: Path, capsys: Capture) -> None:
    hostile, escaped = "\u202e\u200b\u061c\ufeff", r"\e]0;owned\a\e[2J\x9b31m\L\r"
    file = tmp_path / "hostile\x1b[31m.yaml"
    text = (
        f"schema: 1\nname: x\nversion: 1.0.0\ngates:\n"
        f"  - id: a\n    when: model.name == '{hostile}' && model.typ == '{hostile}'\n    decide: block\n"
        f'    error: e\n    http: 400\n    message: "no {hostile} {escaped} {{{{ model.name }}}}"\n{REST}'
    )
    file.write_text(text)
    for words in (
        ["validate", str(file)],
        ["validate", str(file), "--json"],
        ["explain", HELLO, "--policy", str(file)],
    ):
        code, out, err = ran(capsys, *words)
        assert code in (1, 2)
        harmless(out)
        harmless(err)
    file.write_text(text.replace("model.typ ", "model.type ").replace("==", "!="))
    for words in (["explain", HELLO], ["explain", HELLO, "--json"], ["run", HELLO, "hi"], ["validate", str(file)]):
        command = words if words[0] == "validate" else [*words, "--policy", str(file)]
        code, out, err = ran(capsys, *command)
        assert code in (0, 1)
        harmless(out)
        harmless(err)
    file.write_bytes(b"\x1b[31m: \x00")
    harmless("".join(ran(capsys, "validate", str(file))[1:]))


def test_hostile_facts_and_words(tmp_path: Path, capsys: Capture) -> None:
    file = facts_file(
        tmp_path, with_facts({"model.name": HOSTILE, "model.type": HOSTILE, "config": {HOSTILE: HOSTILE}})
    )
    harmless(ran(capsys, "decide", file)[1])
    for words in (
        [HOSTILE],
        ["explain", HOSTILE],
        ["explain", HELLO, f"--{HOSTILE}"],
        ["explain", HELLO, HOSTILE],
        ["explain", HELLO, "--policy", HOSTILE],
        ["explain", HELLO, "--quick", "--set", f"model.type={HOSTILE}"],
        ["explain", HELLO, "--quick", "--set", f"{HOSTILE}=1"],
        ["explain", HELLO, "--quick", "--set", f"request.images={HOSTILE}"],
        ["explain", HELLO, "--quick", "--set", HOSTILE],
        ["decide", HOSTILE],
        ["validate", HOSTILE],
        ["run", HELLO, "hi", "--max-tokens", HOSTILE],
        ["explain", "\ud800"],
        ["explain", "\0"],
        ["decide", "\0"],
        ["validate", "\0"],
    ):
        code, out, err = ran(capsys, *words)
        assert code in (0, 1, 2), (words, err)
        harmless(out)
        harmless(err)


def test_a_number_that_json_has_not(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama", "rope_theta": 1e999, "x": [NaN, -Infinity]}')
    for words in (["explain", str(tmp_path), "--json"], ["probe", str(tmp_path)], ["explain", str(tmp_path)]):
        code, out, err = ran(capsys, *words)
        assert code in (0, 1), err
        if "explain" not in words or "--json" in words:
            json.loads(out, parse_constant=pytest.fail)


def on_a_terminal(*words: str, **environment: str) -> str:
    """Return what a command prints on a pseudo-terminal."""
    parent, child = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [*COMMAND, *words],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**env, "TERM": "xterm", **environment},
        cwd=ROOT,
    )
    os.close(child)
    seen = b""
    with contextlib.suppress(OSError):  # Linux ends a pty's output with EIO
        while data := os.read(parent, 65536):
            seen += data
    process.wait(timeout=60)
    os.close(parent)
    return seen.decode("utf-8", "replace")


def test_colour_on_a_terminal_only() -> None:
    assert "\x1b[" not in in_subprocess("explain", HELLO, "--image").stdout
    assert "\x1b[31;1mblock\x1b[0m" in on_a_terminal("explain", HELLO, "--image")
    assert "\x1b[" not in on_a_terminal("explain", HELLO, "--image", NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("explain", HELLO, "--image", TERM="dumb")
    assert "\x1b[31;1merror[usage]\x1b[0m" in on_a_terminal("explan")


def test_json_on_a_terminal_has_no_colour() -> None:
    assert "\x1b[" not in on_a_terminal("explain", HELLO, "--quick", "--json")
