"""The command line: words, results and exit codes."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from mlxk_rules.engine.cli.usage import COMMANDS

from ..command_line import HELLO, ROOT, Capture, facts_file, ran, wanted_words
from ..helpers import GOOD, REST, with_facts

pytestmark = pytest.mark.usefixtures("at_the_root")
HERE = Path(__file__).parent


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
        ("explain a --json --json", "`--json` stands twice", ""),
        ("explain a --json=yes", "`--json` takes no value", "`--json`"),
        ("explain a --set", "`--set` wants a value", "--set VALUE"),
        ("explain a -x", "`-x`", "--image"),
        ("explain a --image-size", "`--image-size` wants a value", "--image-size VALUE"),
        ("explain --set a=b", "MODEL is missing", "mlxk-rules explain MODEL"),
        ("run", "MODEL is missing", "mlxk-rules run MODEL PROMPT"),
        ("run a", "PROMPT is missing", "mlxk-rules run MODEL PROMPT"),
        ("run a b c", "`c`", "mlxk-rules run MODEL PROMPT"),
        ("run a b --max-token 3", "`--max-token`", "`--max-tokens`"),
        ("run a b --server", "`--server`", "--seed"),
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
        (f"explain {HELLO} --quick --set nonsense=1", "error[unknown-fact]", "nonsense"),
        (f"explain {HELLO} --quick --set model.typ=x", "error[unknown-fact]", "`model.type`"),
        (f"explain {HELLO} --quick --set memory.total_bytes=much", "error[bad-value]", "memory.total_bytes"),
        ("decide no-such-file", "error[unreadable-file]", "no-such-file"),
        ("decide tests", "error[unreadable-file]", "tests"),
        (f"explain {HELLO} --image-size=1x", "error[bad-value]", "`--image-size` is `1x`"),
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


def test_what_probe_prints_is_what_decide_reads(tmp_path: Path, capsys: Capture) -> None:
    _, probed, _ = ran(capsys, "probe", HELLO, "--quick")
    lines = probed.count("\n")
    file = tmp_path / "facts.json"
    file.write_text(f'{probed}{probed}{{"model": {{"name": "one line"}}}}\n{{"not": \n')
    code, out, _ = ran(capsys, "decide", str(file))
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 2 and answers[0] | {"line": 0} == answers[1] | {"line": 0}
    assert [(one.get("line"), one.get("model")) for one in answers[:3]] == [
        *((1, "hello"), (1 + lines, "hello"), (1 + 2 * lines, "one line")),
    ]
    assert answers[3]["error"]["line"] == 2 + 2 * lines
    file.write_text(json.dumps({"model": {"name": "x" * (17 << 20)}}, indent=1))
    code, _, err = ran(capsys, "decide", str(file))
    assert code == 2 and "error[line-too-long]" in err


def test_help_beside_anything(capsys: Capture) -> None:
    assert ran(capsys, "explain", "x", "--nonsense", "--help")[0] == 0
    assert ran(capsys, "help")[0] == 0


def test_version(capsys: Capture) -> None:
    code, out, _ = ran(capsys, "--version")
    assert code == 0 and out.startswith("mlxk-rules ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_a_help_is_read(command: str, capsys: Capture) -> None:
    """docopt drops a default, or an option, when its description is one space away: each must be taken."""
    from mlxk_rules.engine.cli.options import read_options

    words = ["x"] * wanted_words(command)
    options = read_options(command, words)
    for name in options:
        if not name.startswith("--") or name in ("--help",):
            continue
        takes_value = not isinstance(options[name], bool) and (options[name] != 0 or isinstance(options[name], list))
        if takes_value:
            given = read_options(command, [*words, name, "1"])[name]
            assert given in ("1", ["1"]), name
        else:
            assert read_options(command, [*words, name])[name] in (True, 1), name
    if "--policy" in options:
        assert options["--policy"] in (None, [])


# --- results


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"explain {HELLO} --quick --json --set runtime.mlx_lm.installed=true", 0),
        (f"explain {HELLO} --quick --json --image", 1),
        (f"explain {HELLO} --quick --json --policy 2.0.4 --server --audio", 1),
        (f"probe {HELLO} --quick --json", 0),
        ("list --json", 0),
        ("validate --json", 0),
        ("validate --json 2.0.4 rules/policy.yaml", 0),
        ("validate --json tests/engine/rulefile/bad/negated-path.yaml rules/policy.yaml", 1),
        ("validate --json tests/engine/rulefile/bad/negated-path.yaml nothing.yaml", 2),
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
        ([*installed, "--set", "memory.total_bytes=100KB"], 0, "warn"),
        ([*installed, "--set", "memory.total_bytes=1KB"], 1, "block"),
        ([*installed, "--image"], 1, "block"),
    ):
        assert ran(capsys, "explain", HELLO, "--quick", *more)[0] == code
        said = json.loads(ran(capsys, "explain", HELLO, "--quick", "--json", *more)[1])
        assert said["decision"]["decision"] == decision


def test_explain_begins_with_the_verdict_and_the_gate(capsys: Capture) -> None:
    _, out, _ = ran(capsys, "explain", HELLO, "--image")
    lines = out.splitlines()
    assert lines[0].startswith("block  ")
    gate = next(line for line in lines if line.strip().startswith("gate "))
    assert "rules/policy.yaml:" in gate and "mlx 4." in gate
    number = int(gate.split("policy.yaml:")[1].split(",")[0])
    assert gate.split()[1] in (ROOT / "rules/policy.yaml").read_text("utf-8").split("\n")[number - 1]


def test_explain_where_the_facts_have_faults(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(f"schema: 1\nname: x\nversion: 1.0.0\ngates:\n{REST}")
    code, out, _ = ran(capsys, "explain", HELLO, "--policy", str(tmp_path / "policy.yaml"))
    assert (code, out.split()[0]) == (0, "allow")


def test_validate_says_all_problems(capsys: Capture) -> None:
    code, out, _ = ran(capsys, "validate", "tests/engine/rulefile/bad/many-problems.yaml")
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
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(json.dumps(GOOD).encode()))))
    code, out, _ = ran(capsys, "decide", "-", "--policy", "2.0.4")
    assert (code, json.loads(out)["policy"]["version"]) == (1, "2.0.4")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_no_rule_file(tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    code, out, err = ran(capsys, "validate", str(tmp_path / "pipe.yaml"))
    assert code == 2
    assert "is not a file" in out + err
