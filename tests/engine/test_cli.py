"""The command line: words, exit codes, colours, hostile input, and what it imports."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from docopt import docopt
from mlxk_rules.engine.cli import main
from mlxk_rules.engine.usage import COMMANDS, read_plainly

from .helpers import GOOD, REST, with_facts

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HELLO = "tests/models/hello"
COMMAND = [sys.executable, "-c", "import sys; from mlxk_rules.engine.cli import main; sys.exit(main())"]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


Capture = pytest.CaptureFixture[str]


def ran(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


def facts_file(folder: Path, *lines: Any) -> str:
    file = folder / "facts.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return str(file)


# --- wrong usage: one line, the wrong word, the nearest right one, exit 2


@pytest.mark.parametrize(
    ("line", "wrong", "right"),
    [
        ("", "no command", "explain"),
        ("explan x", "`explan`", "`explain`"),
        ("EXPLAIN x", "`EXPLAIN`", "`explain`"),
        ("ls", "`ls`", "`list`"),
        ("check x", "`check`", "`explain`"),
        ("lint", "`lint`", "`validate`"),
        ("frobnicate", "`frobnicate`", "explain, run"),
        ("--polcy x", "`--polcy`", ""),
        ("explain", "MODEL is missing", "mlxk-rules explain MODEL"),
        ("explain a b", "`b`", "mlxk-rules explain MODEL"),
        ("explain a --imag", "`--imag`", "`--image`"),
        ("explain a --pol x", "`--pol`", "`--policy`"),
        ("explain a --policy", "`--policy` wants a value", "--policy VALUE"),
        ("explain a --policy 2.0.4 --policy 3.0.0", "`--policy` stands twice", ""),
        ("explain a --json --json", "`--json` stands twice", ""),
        ("explain a --json=yes", "`--json` takes no value", "`--json`"),
        ("explain a --set", "`--set` wants a value", "--set VALUE"),
        ("explain a -x", "`-x`", "--image"),
        ("explain --set a=b", "MODEL is missing", "mlxk-rules explain MODEL"),
        ("run", "MODEL is missing", "mlxk-rules run MODEL PROMPT"),
        ("run a", "PROMPT is missing", "mlxk-rules run MODEL PROMPT"),
        ("run a b c", "`c`", "mlxk-rules run MODEL PROMPT"),
        ("run a b --max-token 3", "`--max-token`", "`--max-tokens`"),
        ("run a b --server", "`--server`", "--image"),
        ("list a", "`a`", "mlxk-rules list"),
        ("list --server", "`--server`", "--image"),
        ("probe", "MODEL is missing", "mlxk-rules probe MODEL"),
        ("probe a --policy x", "`--policy`", "--image"),
        ("decide", "FILE is missing", "mlxk-rules decide FILE"),
        ("decide a b", "`b`", "mlxk-rules decide FILE"),
        ("validate --jsn", "`--jsn`", "`--json`"),
        ("validate x --policy y", "`--policy`", "--json"),
    ],
)
def test_wrong_usage(line: str, wrong: str, right: str, capsys: Capture) -> None:
    code, out, err = ran(capsys, *line.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("error[usage]: ")
    assert wrong in err
    assert right in err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("explain no/such/model", "error[", "no/such/model"),
        (f"explain {HELLO} --policy 9.9.9", "error[no-file]", "9.9.9"),
        (f"explain {HELLO} --policy README.md", "error[", "README.md:"),
        (f"explain {HELLO} --set nonsense=1", "error[unknown-fact]", "nonsense"),
        (f"explain {HELLO} --set model.typ=x", "error[unknown-fact]", "`model.type`"),
        (f"explain {HELLO} --set memory.total_bytes=much", "error[bad-value]", "memory.total_bytes"),
        ("decide no-such-file", "error[unreadable-file]", "no-such-file"),
        ("decide tests", "error[unreadable-file]", "tests"),
        (f"run {HELLO} hi --max-tokens many", "error[bad-value]", "--max-tokens"),
        (f"run {HELLO} hi --temperature hot", "error[bad-value]", "--temperature"),
    ],
)
def test_unreadable_input(line: str, code: str, words: str, capsys: Capture) -> None:
    exit_code, out, err = ran(capsys, *line.split())
    assert (exit_code, out) == (2, "")
    assert code in err and words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [*COMMANDS, ""])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(command: str, option: str, capsys: Capture) -> None:
    code, out, err = ran(capsys, *filter(None, [command, option]))
    assert (code, err) == (0, "")
    assert f"mlxk-rules {command}".strip() in out
    assert max(map(len, out.splitlines())) <= 120


def test_help_beside_anything(capsys: Capture) -> None:
    assert ran(capsys, "explain", "x", "--nonsense", "--help")[0] == 0
    assert ran(capsys, "help")[0] == 0


def test_version(capsys: Capture) -> None:
    code, out, _ = ran(capsys, "--version")
    assert code == 0 and out.startswith("mlxk-rules ")


def wanted_words(command: str) -> int:
    """Return how many words a command wants, as its usage says."""
    line = next(line for line in COMMANDS[command].splitlines() if line.startswith("  mlxk-rules "))
    return len(re.findall(r"\b[A-Z]+\b", line.split("[")[0]))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_a_help_is_read(command: str, capsys: Capture) -> None:
    """docopt drops a default, or an option, when its description is one space away: each must be taken."""
    from mlxk_rules.engine.usage import read_options

    words = ["x"] * wanted_words(command)
    options = read_options(command, words)
    for name in options:
        if not name.startswith("--") or name in ("--help",):
            continue
        takes_value = not isinstance(options[name], bool) and options[name] != 0
        if takes_value:
            given = read_options(command, [*words, name, "1"])[name]
            assert given in ("1", ["1"]), name
        else:
            assert read_options(command, [*words, name])[name] in (True, 1), name
    if "--policy" in options:
        assert options["--policy"] is None


# --- results


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"explain {HELLO} --json --set runtime.mlx_lm.installed=true", 0),
        (f"explain {HELLO} --json --image", 1),
        (f"explain {HELLO} --json --policy 2.0.4 --server --audio", 1),
        (f"probe {HELLO} --json", 0),
        ("list --json", 0),
        ("validate --json", 0),
        ("validate --json 2.0.4 rules/policy.yaml", 0),
        ("validate --json tests/engine/bad/negated-path.yaml rules/policy.yaml", 1),
        ("validate --json tests/engine/bad/negated-path.yaml nothing.yaml", 2),
        (f"run {HELLO} hi --json --image README.md", 1),
    ],
)
def test_json_is_one_value(line: str, code: int, capsys: Capture) -> None:
    exit_code, out, _ = ran(capsys, *line.split())
    json.loads(out)
    assert out.isascii()
    assert exit_code == code


def test_exit_codes_of_explain(capsys: Capture) -> None:
    installed = ["--set", "runtime.mlx_lm.installed=true", "--set", "runtime.mlx_lm.model_types=llama"]
    for more, code, decision in (
        (installed, 0, "allow"),
        ([*installed, "--set", "memory.total_bytes=1KB"], 0, "warn"),
        ([*installed, "--image"], 1, "block"),
    ):
        assert ran(capsys, "explain", HELLO, *more)[0] == code
        assert json.loads(ran(capsys, "explain", HELLO, "--json", *more)[1])["decision"]["decision"] == decision


def test_explain_begins_with_the_verdict_and_the_gate(capsys: Capture) -> None:
    _, out, _ = ran(capsys, "explain", HELLO, "--image")
    lines = out.splitlines()
    assert lines[0].startswith("block  ")
    gate = next(line for line in lines if line.strip().startswith("gate "))
    assert "rules/policy.yaml:" in gate and "mlx 3." in gate
    number = int(gate.split("policy.yaml:")[1].split(",")[0])
    assert gate.split()[1] in (ROOT / "rules/policy.yaml").read_text("utf-8").split("\n")[number - 1]


def test_explain_where_the_facts_have_faults(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(f"schema: 1\nname: x\nversion: 1.0.0\ngates:\n{REST}")
    code, out, _ = ran(capsys, "explain", HELLO, "--policy", str(tmp_path / "policy.yaml"))
    assert (code, out.split()[0]) == (0, "allow")


def test_validate_says_all_problems(capsys: Capture) -> None:
    code, out, _ = ran(capsys, "validate", "tests/engine/bad/many-problems.yaml")
    assert code == 1
    assert out.count("error[") == 4 and out.count("help: ") == 4
    for line, caret in zip(out.splitlines(), out.splitlines()[1:], strict=False):
        if "^" in caret:
            assert line.index("|") == caret.index("|")
            assert line[caret.index("^") :].strip()


# --- decide: every line is answered in its place


def test_decide_answers_in_place(capsys: Capture, tmp_path: Path) -> None:
    lines: list[Any] = [
        GOOD,
        "",
        "not json",
        [1],
        "   ",
        '{"a": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "\x00",
        '"text"',
        "null",
        with_facts({"request.images": True}),
        {"model": "nothing"},
        '{"a": 1e999}',
        GOOD,
    ]
    code, out, err = ran(capsys, "decide", facts_file(tmp_path, *lines))
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (2, "")
    shown = [answer.get("decision") or answer["error"]["code"] for answer in answers]
    assert shown == [
        "allow",
        "bad-json",
        "bad-facts",
        "bad-json",
        "bad-json",
        "bad-json",
        "bad-json",
        "bad-facts",
        "bad-facts",
        "block",
        "block",
        "block",
        "allow",
    ]
    numbers = [answer["error"]["line"] for answer in answers if "error" in answer]
    assert numbers == [3, 4, 6, 7, 8, 9, 10, 11]
    assert all(answer["error"]["help"] for answer in answers if "error" in answer)


def test_decide_a_very_long_line(capsys: Capture, tmp_path: Path) -> None:
    long = '{"a": "' + "x" * (17 * 1024 * 1024) + '"}'
    code, out, _ = ran(capsys, "decide", facts_file(tmp_path, long, GOOD))
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 2
    assert [answer.get("decision") or answer["error"]["code"] for answer in answers] == ["line-too-long", "allow"]


def test_decide_codes(capsys: Capture, tmp_path: Path) -> None:
    assert ran(capsys, "decide", facts_file(tmp_path, GOOD))[0] == 0
    assert ran(capsys, "decide", facts_file(tmp_path, GOOD, with_facts({"request.images": True})))[0] == 1
    assert ran(capsys, "decide", facts_file(tmp_path))[:2] == (0, "")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\n" + json.dumps(GOOD).encode() + b"\r\n")
    code, out, _ = ran(capsys, "decide", str(tmp_path / "bytes.jsonl"))
    assert (code, len(out.splitlines())) == (2, 2)


def test_decide_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(GOOD).encode())))
    code, out, _ = ran(capsys, "decide", "-", "--policy", "2.0.4")
    assert (code, json.loads(out)["policy"]["version"]) == (1, "2.0.4")


# --- colour and control characters

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\u200b\x9b31m\r\nfake"


def hostile_model(folder: Path) -> Path:
    model = folder / "hostile\x1b[31m\u202emodel"
    model.mkdir()
    config = {"model_type": f"llama{HOSTILE}", "auto_map": {HOSTILE: HOSTILE}, "architectures": [HOSTILE]}
    (model / "config.json").write_text(json.dumps(config))
    (model / f"file{HOSTILE.replace(chr(10), '')}.safetensors").write_bytes(b"")
    (model / "tokenizer_config.json").write_text('{"broken": ' + HOSTILE)
    (model / "README.md").write_text(f"---\nlibrary_name: {HOSTILE}\ntags:\n- {HOSTILE}\n---\n")
    return model


def harmless(text: str) -> None:
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b\u2028"], (
        repr(text)
    )


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
        ["explain", HELLO, "--set", f"model.type={HOSTILE}"],
        ["explain", HELLO, "--set", f"{HOSTILE}=1"],
        ["explain", HELLO, "--set", f"request.images={HOSTILE}"],
        ["explain", HELLO, "--set", HOSTILE],
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


def in_subprocess(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, cwd=ROOT
    )


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
    assert "\x1b[" not in on_a_terminal("explain", HELLO, "--json")


# --- endings


def test_broken_pipe() -> None:
    process = subprocess.Popen([*COMMAND, "probe", HELLO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    error = process.stderr.read().decode()
    assert (process.wait(timeout=60), error) == (1, "")
    process.stderr.close()


def test_broken_pipe_amid_lines(tmp_path: Path) -> None:
    file = facts_file(tmp_path, *[GOOD] * 2_000)
    process = subprocess.Popen([*COMMAND, "decide", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None and process.stderr is not None
    assert json.loads(process.stdout.readline())["decision"] == "allow"
    process.stdout.close()
    assert (process.stderr.read().decode(), process.wait(timeout=60)) == ("", 1)
    process.stderr.close()


def test_ctrl_c() -> None:
    process = subprocess.Popen(
        [*COMMAND, "decide", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(json.dumps(GOOD).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["decision"] == "allow"  # each line is answered as it comes
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (out, error, process.returncode) == (b"", b"", 130)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bug_is_one_line(command: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def broken(options: dict[str, Any]) -> int:
        raise ZeroDivisionError(f"oops {HOSTILE}")

    monkeypatch.setattr(import_module(f"mlxk_rules.engine.commands.{command}"), "run", broken)
    words = ["x"] * wanted_words(command)
    code, out, err = ran(capsys, command, *words)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1 and "ZeroDivisionError: oops" in err and "--debug" in err
    harmless(err)
    with pytest.raises(ZeroDivisionError):
        main([command, *words, "--debug"])


SCRIPT = [sys.executable, "-c", "from mlxk_rules.engine.cli import script; script()"]


@pytest.mark.parametrize(
    "words",
    [["explain", HELLO], ["explain", HELLO, "--image"], ["explain", "./none"], ["probe", HELLO, "--x"], ["policy"], []],
    ids=" ".join,
)
def test_the_script_says_what_main_says(words: list[str]) -> None:
    ends = [
        subprocess.run([*program, *words], capture_output=True, cwd=ROOT, timeout=60) for program in (COMMAND, SCRIPT)
    ]
    assert ends[0].args != ends[1].args
    assert (ends[0].returncode, ends[0].stdout, ends[0].stderr) == (ends[1].returncode, ends[1].stdout, ends[1].stderr)


def test_the_script_flushes_and_minds_no_closed_pipe() -> None:
    process = subprocess.Popen([*SCRIPT, "probe", HELLO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    with process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 1)


def test_what_is_read_plainly_is_what_docopt_reads() -> None:
    some = [
        "m",
        "explain",
        "--image",
        "--audio",
        "--json",
        "--trust-remote-code",
        "-",
        "--",
        "",
        "--set",
        "--context",
        "-h",
    ]
    plainly = 0
    for command in COMMANDS:
        for words in (words for count in range(4) for words in permutations(some, count)):
            found = read_plainly(command, words)
            if found is not None:
                assert found == dict(docopt(COMMANDS[command], [command, *words], default_help=False)), words
                plainly += 1
    assert plainly > 100


# --- what it imports

BARRED = ("mlx", "mlx_lm", "mlx_vlm", "mlx_audio", "transformers", "jsonschema", "huggingface_hub", "numpy", "torch")
WITHOUT = f"""
import sys
class Bar:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BARRED!r} + ("argparse",):
            raise ImportError(f"{{name}} is barred")
sys.meta_path.insert(0, Bar())
from mlxk_rules.engine.cli import main
code = main(sys.argv[1:])
print(sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words", [["explain", HELLO], ["list"], ["probe", HELLO], ["explain", HELLO, "--audio", "--json"]]
)
def test_without_the_libraries(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    assert "error[" not in done.stderr


def test_explain_imports_none_of_them() -> None:
    program = (
        "import sys; from mlxk_rules.engine.cli import main; code = main(['explain', 'tests/models/hello']);"
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60)
    modules = set(done.stderr.split())
    assert "mlxk_rules.engine.policy" in modules
    assert modules & {*BARRED, "argparse"} == set()


# Beside what Python has imported by itself: today's number, and a little room.
MOST_MODULES = {"probe": 80, "explain": 95, "explain --image": 98}
# What costs milliseconds and no answer needs; of the probe's own what a folder whose facts are kept does without.
HEAVY = (
    "argparse subprocess logging tempfile shutil importlib.metadata packaging ruamel asyncio multiprocessing "
    "yaml jmespath dataclasses inspect ast dis difflib docopt datetime textwrap"
)
READERS = "demands documents modules mlx_lm mlx_vlm mlx_audio source tensors weights execute"
MAKERS = "checked compiler decider document expression fast_writer interpreter lever_code loading paths source"


@pytest.mark.parametrize("words", MOST_MODULES)
def test_a_second_start_is_lean(words: str, tmp_path: Path) -> None:
    command, *options = words.split()
    program = (
        "import sys; before = set(sys.modules); from mlxk_rules.engine.cli import main;"
        f"main([{command!r}, {HELLO!r}, *{options!r}]); print(' '.join(set(sys.modules) - before), file=sys.stderr)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "MLXK_RULES_NO_CACHE": ""}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60, env=environment
        )
    modules = set(done.stderr.split())
    ours = {f"mlxk_rules.loaders.{name}" for name in READERS.split()}
    assert modules & {*HEAVY.split(), *ours, *(f"mlxk_rules.engine.{name}" for name in MAKERS.split())} == set()
    assert len(modules) <= MOST_MODULES[words]


def test_the_engine_below_the_commands_imports_no_loaders() -> None:
    for file in (ROOT / "engine").glob("*.py"):
        assert not re.search(r"^\s*(from|import) [.\w]*loaders", file.read_text("utf-8"), re.MULTILINE), file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_no_rule_file(tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    code, out, err = ran(capsys, "validate", str(tmp_path / "pipe.yaml"))
    assert code == 2
    assert "is not a file" in out + err
